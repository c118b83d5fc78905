// npm run build:deb: Debian packages in dist/, the same bytes each time, with their SHA-256.
// Needs dpkg-deb, and npm's registry for the native module of the other architecture.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { programVersion } from '../schema/version.ts';
import { commands } from '../src/cli/commands.ts';
import { exitCodes } from '../src/cli/help.ts';
import { manPage } from '../src/cli/man.ts';
import {
  builtRelayPackage,
  bundleAct,
  bundleCli,
  bundleRelay,
  dist,
  relayPackageFile,
  root,
  sha256Of,
} from './bundle.ts';
import { completionScript, relayManPage } from './documents.ts';

const version = programVersion;
const maintainer = 'The Writ developers <maintainers@writ.example.net>';

/** Debian's names of architectures, and libsql's. */
const architectures = { amd64: '@libsql/linux-x64-gnu', arm64: '@libsql/linux-arm64-gnu' } as const;
/** What libsql itself needs at run time. */
const libsqlModules = ['libsql', '@neon-rs/load', 'detect-libc'] as const;

/** Times in the packages: of the last commit, so that the same sources give the same bytes. */
const sourceDate = (): number => {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }));
};

type Package = {
  readonly name: 'writ' | 'writ-relay';
  readonly architecture: 'all' | keyof typeof architectures;
  readonly depends: string;
  readonly summary: string;
  readonly description: readonly string[];
  /** Puts its files under a folder. */
  readonly fill: (folder: string) => void;
};

function put(folder: string, path: string, content: string | Buffer, mode = 0o644): void {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

/** gzip without a time in its header. */
const zipped = (text: string): Buffer => gzipSync(text, { level: 9 });

/** What each package has: copyright, changelog, units, user. */
function putCommon(folder: string, name: string): void {
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8');
  put(folder, `usr/share/doc/${name}/copyright`, licence);
  const changelog = `${name} (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md of the project.\n\n -- ${maintainer}  ${new Date(sourceDate() * 1000).toUTCString().replace('GMT', '+0000')}\n`;
  put(folder, `usr/share/doc/${name}/changelog.gz`, zipped(changelog));
  put(folder, `usr/lib/sysusers.d/${name}.conf`, 'u writ - "Writ" /nonexistent /usr/sbin/nologin\n');
  const own = readdirSync(join(root, 'debian', name)).sort();
  for (const unit of own.filter((file) => /\.(service|socket)$/.test(file))) {
    put(folder, `usr/lib/systemd/system/${unit}`, readFileSync(join(root, 'debian', name, unit)));
  }
  for (const script of ['postinst', 'prerm', 'postrm']) {
    put(folder, `DEBIAN/${script}`, readFileSync(join(root, 'debian', name, script)), 0o755);
  }
}

/** The folder of an npm package that is not of this machine's architecture, fetched and checked against the lockfile. */
function fetchModule(name: string, into: string): void {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`${name} is not in package-lock.json`);
  const folder = mkdtempSync(join(tmpdir(), 'writ-npm-'));
  try {
    const [file] = JSON.parse(
      execFileSync(
        'npm',
        ['pack', `${name}@${locked.version}`, '--json', '--silent', '--pack-destination', folder],
        {
          encoding: 'utf8',
          cwd: folder,
        },
      ),
    ) as { filename: string }[];
    const tarball = join(folder, file!.filename);
    const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (digest !== locked.integrity) throw new Error(`${name} is not what package-lock.json says`);
    mkdirSync(into, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', into]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function putModules(folder: string, native: string): void {
  const target = join(folder, 'usr/lib/writ/node_modules');
  for (const name of libsqlModules) {
    cpSync(join(root, 'node_modules', name), join(target, name), { recursive: true });
  }
  const own = join(root, 'node_modules', native);
  if (existsSync(own)) cpSync(own, join(target, native), { recursive: true });
  else fetchModule(native, join(target, native));
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // Declarations and licences of its parts stay out of what runs; their terms are those of the project (MIT).
    if (entry.isFile() && /\.d\.ts$|\.map$|^\.|README|package-lock/.test(entry.name)) rmSync(path);
    else chmodSync(path, entry.isDirectory() ? 0o755 : 0o644);
  }
}

const relayPackage: Package = {
  name: 'writ-relay',
  architecture: 'all',
  // perl-base is essential; the bus is how systemd is asked to run a program.
  depends: 'nodejs (>= 20), systemd, default-dbus-system-bus | dbus-system-bus',
  summary: 'agent of Writ on a host of a homelab',
  description: [
    'Pulls signed orders from the control plane of Writ, checks each against its',
    "owner's own trust document, acts through the API of Proxmox VE, and signs",
    'what came of it. Opens no port.',
  ],
  fill(folder) {
    for (const name of ['writ-relay.cjs', 'writ-relay-act.cjs']) {
      put(folder, `usr/lib/writ-relay/${name}`, readFileSync(join(dist, name)), 0o755);
    }
    // Where the helper puts the program of secrets: what is there when it starts is all that it can write.
    mkdirSync(join(folder, 'usr/lib/writ-target'), { recursive: true });
    link(folder, 'usr/bin/writ-relay', '../lib/writ-relay/writ-relay.cjs');
    put(folder, 'usr/share/man/man1/writ-relay.1.gz', zipped(relayManPage()));
  },
};

const writPackage = (architecture: keyof typeof architectures): Package => ({
  name: 'writ',
  architecture,
  depends: 'nodejs (>= 20), libc6, systemd',
  summary: 'control plane of a homelab, and its command line',
  description: [
    'The control plane takes orders over HTTPS, plans them, and keeps a queue that',
    'relays at home pull from. The command line keeps the keys of the owner and',
    'signs what the control plane alone may not order.',
  ],
  fill(folder) {
    cpSync(join(dist, 'writ'), join(folder, 'usr/lib/writ'), { recursive: true });
    putModules(folder, architectures[architecture]);
    link(folder, 'usr/bin/writ', '../lib/writ/writ.mjs');
    put(folder, 'usr/share/writ/writ-relay.deb', readFileSync(join(dist, relayPackageFile)));
    const pages = readdirSync(join(root, 'docs')).map((name) => `docs/${name}`);
    for (const path of ['README.md', 'examples/house.yaml', ...pages]) {
      put(folder, `usr/share/doc/writ/${path}`, readFileSync(join(root, path)));
    }
    put(folder, 'usr/share/man/man1/writ.1.gz', zipped(manPage(commands, { version, exitCodes })));
    put(folder, 'usr/share/bash-completion/completions/writ', completionScript('bash'));
    put(folder, 'usr/share/zsh/vendor-completions/_writ', completionScript('zsh'));
    put(folder, 'usr/share/fish/vendor_completions.d/writ.fish', completionScript('fish'));
  },
});

function link(folder: string, path: string, to: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  symlinkSync(to, join(folder, path));
}

/** Builds one package into dist/ and gives its file. */
function build({ name, architecture, depends, summary, description, fill }: Package): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-deb-'));
  try {
    chmodSync(folder, 0o755);
    fill(folder);
    putCommon(folder, name);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.parentPath.startsWith(join(folder, 'DEBIAN')),
    );
    const bytes = files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    const control = [
      `Package: ${name}`,
      `Version: ${version}`,
      `Architecture: ${architecture}`,
      `Maintainer: ${maintainer}`,
      'Section: admin',
      'Priority: optional',
      `Installed-Size: ${Math.ceil(bytes / 1024)}`,
      `Depends: ${depends}`,
      `Description: ${summary}`,
      ...description.map((line) => ` ${line}`),
      '',
    ];
    put(folder, 'DEBIAN/control', control.join('\n'));
    const sums = files
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map(
        (file) =>
          `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${file.slice(folder.length + 1)}`,
      );
    put(folder, 'DEBIAN/md5sums', `${sums.join('\n')}\n`);
    const at = sourceDate();
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) lutimesSync(path, at, at);
      else {
        if (entry.isDirectory()) chmodSync(path, 0o755);
        utimesSync(path, at, at);
      }
    }
    const file = join(dist, `${name}_${version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', folder, file], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(at), XZ_DEFAULTS: '-T1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return file;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (spawnSync('dpkg-deb', ['--version']).status !== 0) {
  console.error(
    'dpkg-deb is not here: packages are built on Debian. npm run build makes the bundles anywhere.',
  );
  process.exit(2);
}
mkdirSync(dist, { recursive: true });
await bundleRelay();
await bundleAct();
const made = [build(relayPackage)];
await bundleCli(builtRelayPackage());
for (const architecture of Object.keys(architectures) as (keyof typeof architectures)[]) {
  made.push(build(writPackage(architecture)));
}
for (const file of made) console.log(`${sha256Of(file)}  ${file.slice(root.length + 1)}`);
