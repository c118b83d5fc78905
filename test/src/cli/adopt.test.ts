import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { missing } from '../../support/missing.ts';
import { startCheckedSimulator } from '../../support/proxmox/checked.ts';
import { appFolders, machineTree } from '../config/adopt/homes.ts';
import { runWrit } from './terminal-fixture.ts';

const main = join(import.meta.dirname, '../../../src/cli/main.ts');

/** `writ` as a process of its own. */
function writ(words: readonly string[], cwd?: string) {
  const ran = spawnSync(process.execPath, [main, ...words], {
    encoding: 'utf8',
    ...(cwd !== undefined && { cwd }),
  });
  return { exit: ran.status, out: ran.stdout, err: ran.stderr };
}

/** A folder with a machine's files in `machine`, and one of apps in `apps`. */
function setUp(t: TestContext): { folder: string; machine: string; apps: string; repo: string } {
  const folder = mkdtempSync(join(tmpdir(), 'writ-adopt-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, tree] of Object.entries({ machine: machineTree, apps: appFolders })) {
    for (const [path, given] of Object.entries(tree)) {
      const { text, mode = 0o644 } = given as { text: string | null; mode?: number };
      const whole = typeof given === 'string' ? given : text;
      const to = join(folder, name, path);
      mkdirSync(whole === null ? to : dirname(to), { recursive: true });
      if (whole !== null) writeFileSync(to, whole);
      if (typeof given === 'object' && whole !== null) chmodSync(to, mode);
    }
  }
  const at = (name: string): string => join(folder, name);
  return { folder, machine: at('machine'), apps: at('apps'), repo: at('repo') };
}

const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'latin1')]),
  );

test('a folder becomes a repo that checks, and builds the same files byte for byte', (t) => {
  const { folder, machine, repo } = setUp(t);
  const words = ['adopt', machine, '--on', 'secsvcs', '--host', 'pve1', '--vmid', '101', '--into', repo];
  const dry = writ([...words, '--dry-run']);
  assert.equal(dry.exit, 0, dry.err);
  assert.match(dry.out, /^secsvcs: 30 files in 9 apps\n {2}apps {11}1 unit, 2 files\n/);
  assert.match(dry.out, /Nothing was written: 41 files would be/);
  assert.ok(!existsSync(repo));

  const ran = writ(words);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /\nhomelab\.yaml gets pve1 and secsvcs\.\n/);
  assert.match(ran.out, /\[nobody_names\]\n {4}\/etc\/motd: /);
  assert.match(ran.out, /\nNext: writ config check --repo .*commit it all\.\n$/);
  assert.deepEqual(readdirSync(folder).sort(), ['apps', 'machine', 'repo'], 'nothing half is left');

  const out = join(folder, 'out');
  const built = writ(['config', 'build', '--repo', repo, '-o', out]);
  assert.equal(built.exit, 0, built.out);
  assert.deepEqual(filesIn(join(out, 'secsvcs')), filesIn(machine));
  assert.ok(built.out.includes(/sha256:[0-9a-f]{64}/.exec(ran.out)![0]), 'the digest that was told');

  const before = filesIn(repo);
  const again = writ(words);
  assert.equal(again.exit, 0, again.err);
  assert.match(
    again.out,
    /^The repo has 30 files of secsvcs already\.\nThere is nothing new\. Nothing was written\.\n$/,
  );
  assert.deepEqual(filesIn(repo), before);
});

test('a second machine is added to the repo, and a file that differs is refused by name', async (t) => {
  const { machine, apps, repo } = setUp(t);
  assert.equal((await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo])).exit, 0);
  const before = filesIn(repo);
  const second = await runWrit(['adopt', apps, '--on', 'websvcs', '--into', repo, '--json']);
  assert.equal(second.exit, 0, second.err);
  const value = JSON.parse(second.out) as {
    written: string[];
    left: { path: string; code: string }[];
    errors: number;
  };
  assert.deepEqual(
    value.left.map(({ path, code }) => `${code} ${path}`),
    ['unplaced README.md', 'unplaced traefik/notes.txt'],
  );
  assert.equal(value.errors, 0);
  const after = filesIn(repo);
  assert.deepEqual(
    Object.keys(after)
      .filter((path) => !(path in before))
      .sort(),
    value.written.filter((path) => path !== 'homelab.yaml'),
  );
  for (const [path, text] of Object.entries(before))
    if (path !== 'homelab.yaml') assert.equal(after[path], text, path);
  assert.equal(
    after['homelab.yaml'],
    'v: 1\nhosts:\n  secsvcs: { proxmox: false }\n  websvcs: { proxmox: false }\n',
  );

  writeFileSync(join(machine, 'etc/motd'), 'changed\n');
  const third = await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo]);
  assert.equal(third.exit, 1);
  assert.match(
    third.out,
    /In the way\n {2}.* \[differs\]\n {4}\/etc\/motd: apps\/secsvcs-files of the repo.*\nNothing was written\.\n$/,
  );
  assert.deepEqual(filesIn(repo), after);
});

test('an archive keeps owners and modes', async (t) => {
  const { folder, machine, repo } = setUp(t);
  const tar = join(folder, 'secsvcs.tgz');
  chmodSync(join(machine, 'etc/motd'), 0o664);
  execFileSync('tar', ['--owner=:472', '--group=:100', '-C', machine, '-czf', tar, 'etc', 'srv', 'usr']);
  const ran = await runWrit(['adopt', tar, '--on', 'secsvcs', '--into', repo]);
  assert.equal(ran.exit, 0, ran.err);
  const built = await runWrit(['config', 'build', '--repo', repo, '--json']);
  assert.equal((JSON.parse(built.out) as { parts: { files: number }[] }).parts[0]!.files, 30);
  assert.match(
    readFileSync(join(repo, 'apps/secsvcs-files/app.yaml'), 'utf8'),
    / {2}- \{ from: motd, to: \/etc\/motd, mode: "0664", owner: 472:100 \}\n/,
  );
});

if (process.getuid?.() === 0) {
  test('with --owners a folder’s owners are the machine’s', async (t) => {
    const { machine, repo } = setUp(t);
    execFileSync('chown', ['-R', '33:0', join(machine, 'srv')]);
    assert.equal((await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo, '--owners'])).exit, 0);
    assert.match(readFileSync(join(repo, 'apps/web/app.yaml'), 'utf8'), /site\/index\.html, owner: 33:0 \}/);
  });
} else {
  missing('root, to give files owners for writ adopt --owners');
}

test('links, pipes, odd names, large files and tools’ folders are told and never followed', async (t) => {
  const { machine, repo } = setUp(t);
  const opt = join(machine, 'etc/opt');
  symlinkSync('/etc/passwd', join(opt, 'link'));
  symlinkSync(machine, join(opt, 'round'));
  symlinkSync('/nowhere', join(opt, 'broken'));
  execFileSync('mkfifo', [join(opt, 'pipe')]);
  writeFileSync(Buffer.from(`${opt}/odd\xff`, 'latin1'), 'x');
  writeFileSync(join(opt, 'esc\u001b[2Jape'), 'x');
  writeFileSync(join(opt, 'huge'), '');
  execFileSync('truncate', ['-s', '3G', join(opt, 'huge')]);
  mkdirSync(join(opt, 'node_modules'));
  mkdirSync(join(machine, 'proc'));
  execFileSync('mkfifo', [join(machine, 'proc/kmsg')]);
  mkdirSync(join(machine, '.git'));
  writeFileSync(join(machine, '.git/config'), 'x');
  const ran = await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo, '--json']);
  assert.equal(ran.exit, 0, ran.err);
  const { left } = JSON.parse(ran.out) as { left: { path: string; code: string }[] };
  assert.deepEqual(left.map(({ path, code }) => `${code} ${path}`).sort(), [
    'bad_name /etc/opt/esc\u001b[2Jape',
    'bad_name /etc/opt/odd\ufffd',
    'link /etc/opt/broken',
    'link /etc/opt/link',
    'link /etc/opt/round',
    'no_file /etc/opt/pipe',
    'state /proc',
    'too_large /etc/opt/huge',
    'tool_folder /etc/opt/node_modules',
  ]);
  assert.doesNotMatch(ran.out, /root:x:0:0/);
});

test('a name of several lines says nothing in the report’s own words', async (t) => {
  const { machine, repo } = setUp(t);
  writeFileSync(join(machine, 'etc/opt/odd\nNothing was left out.'), 'x');
  const ran = await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo, '--dry-run']);
  assert.match(ran.out, /\n {4}\/etc\/opt\/odd Nothing was left out\.: its name/);
});

test('what cannot be written whole leaves nothing behind', (t) => {
  const { machine, apps, repo } = setUp(t);
  writeFileSync(join(apps, 'gatus/config/config.yml'), `# ${'x'.repeat(3000)}\n`);
  const limited = (words: readonly string[]) =>
    spawnSync('bash', ['-c', 'ulimit -f 1; exec "$@"', 'bash', process.execPath, main, ...words], {
      encoding: 'utf8',
    });
  // Into a new place, and into a repo.
  const fresh = limited(['adopt', apps, '--on', 'websvcs', '--into', repo]);
  assert.equal(fresh.status, 1, fresh.stdout);
  assert.match(fresh.stderr, /EFBIG/);
  assert.ok(!existsSync(repo));
  assert.equal(writ(['adopt', machine, '--on', 'secsvcs', '--into', repo]).exit, 0);
  const before = filesIn(repo);
  const added = limited(['adopt', apps, '--on', 'websvcs', '--into', repo]);
  assert.equal(added.status, 1, added.stdout);
  assert.deepEqual(filesIn(repo), before);
  assert.deepEqual(globSync('.writ-*', { cwd: repo }), []);
});

test('git sees all that was written, and a checkout has the same bytes', async (t) => {
  const { folder, machine, repo } = setUp(t);
  writeFileSync(join(machine, 'etc/opt/grafana/crlf.ini'), 'a\r\nb\r\n');
  writeFileSync(join(machine, 'etc/opt/grafana/.gitignore'), '*\n');
  mkdirSync(repo);
  const git = (...words: string[]) =>
    execFileSync(
      'git',
      ['-c', 'core.autocrlf=input', '-c', 'user.name=x', '-c', 'user.email=x@x', ...words],
      {
        cwd: repo,
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
      },
    );
  git('init', '-q');
  const ran = await runWrit(['adopt', machine, '--on', 'secsvcs', '--into', repo]);
  assert.equal(ran.exit, 0, ran.out);
  git('add', '-A');
  git('commit', '-qm', 'adopted');
  const { '.git': _, ...written } = Object.fromEntries(
    Object.entries(filesIn(repo)).filter(([path]) => !path.startsWith('.git/')),
  );
  const clone = join(folder, 'clone');
  execFileSync('git', ['-c', 'core.autocrlf=true', 'clone', '-q', repo, clone], {
    env: { PATH: process.env.PATH, HOME: folder },
  });
  const cloned = Object.fromEntries(
    Object.entries(filesIn(clone)).filter(([path]) => path.startsWith('apps/')),
  );
  assert.deepEqual(
    cloned,
    Object.fromEntries(Object.entries(written).filter(([path]) => path.startsWith('apps/'))),
  );
});

test('what git would ignore is told', async (t) => {
  const { apps, repo } = setUp(t);
  mkdirSync(repo);
  execFileSync('git', ['init', '-q', repo]);
  writeFileSync(join(repo, '.gitignore'), '*.yml\n!tls.yml\n');
  const ran = await runWrit(['adopt', apps, '--on', 'websvcs', '--into', repo, '--json']);
  assert.deepEqual((JSON.parse(ran.out) as { ignored: string[] }).ignored, [
    'apps/blackbox/config.yml',
    'apps/gatus/config.yml',
    'apps/traefik/config/dynamic/more/web.yml',
    'apps/traefik/config/traefik.yml',
  ]);
});

test('guests of Proxmox VE come into homelab.yaml', async (t) => {
  const { folder, machine, repo } = setUp(t);
  const token = 'writ@pve!adopt=s3cret';
  const simulator = await startCheckedSimulator(t, {
    node: 'pve1',
    guests: [
      { vmid: 101, kind: 'qemu', name: 'secsvcs', address: '192.168.20.12' },
      { vmid: 105, kind: 'lxc', name: 'dns' },
    ],
    tokens: [{ token }],
  });
  const file = join(folder, 'token');
  writeFileSync(file, token, { mode: 0o600 });
  const words = ['adopt', machine, '--on', 'secsvcs', '--into', repo, '--proxmox', simulator.url];
  const ran = await runWrit([...words, '--token-file', file, '--fingerprint', simulator.pins.certificate]);
  assert.equal(ran.exit, 0, ran.err);
  assert.equal(
    readFileSync(join(repo, 'homelab.yaml'), 'utf8'),
    'v: 1\nhosts:\n  pve1: {}\nguests:\n  secsvcs: { host: pve1, vmid: 101, address: 192.168.20.12 }\n  dns: { host: pve1, vmid: 105, kind: lxc }\n',
  );
  assert.doesNotMatch(ran.out + ran.err, /s3cret/);
});

test('what is not as it must be is told before anything is read or written', async (t) => {
  const { folder, machine, apps, repo } = setUp(t);
  writeFileSync(join(folder, 'no.tar'), 'x'.repeat(2000));
  writeFileSync(join(folder, 'no.tgz'), Buffer.from([0x1f, 0x8b, 1, 2, 3]));
  mkdirSync(join(folder, 'house'));
  writeFileSync(join(folder, 'house/house.yaml'), 'v: 1\nhosts: { a: {} }\n');
  mkdirSync(join(folder, 'empty'));
  const on = ['--on', 'box', '--into', repo];
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[machine], /--on MACHINE says it/],
    [[machine, '--on', 'Box!'], /Box! is no name for a machine/],
    [[machine, ...on, '--host', 'pve1'], /A guest needs both/],
    [[machine, ...on, '--host', 'pve1', '--vmid', '7'], /7 is no VMID/],
    [[machine, ...on, '--host', 'box', '--vmid', '101'], /box cannot be a guest of itself/],
    [[machine, ...on, '--kind', 'vm'], /qemu or lxc, not vm/],
    [[machine, ...on, '--address', '192.168.1'], /no IPv4 address/],
    [[machine, ...on, '--podman', 'five'], /no version of Podman/],
    [[machine, ...on, '--domain', 'Home'], /no domain/],
    [[machine, ...on, '--at', 'etc'], /no absolute path/],
    [[machine, ...on, '--to', 'x=../y'], /no rule such as/],
    [[machine, ...on, '--to', '=/etc'], /no rule such as/],
    [[machine, ...on, '--to', '/etc', '--to', '/opt'], /says twice where the rest lies/],
    [[machine, ...on, '--token-file', 'x'], /go with --proxmox/],
    [[machine, ...on, '--proxmox', 'https://x'], /needs --token-file/],
    [[join(folder, 'none'), ...on], /There is nothing at .*none/],
    [[join(folder, 'no.tar'), ...on], /no tar archive from byte 0 on.*a folder, a \.tar or a \.tar\.gz/],
    [[join(folder, 'no.tgz'), ...on], /cannot be unpacked/],
    [[folder, ...on], /folders that mirror a machine each: machine\. Adopt one machine at a time/],
    [[apps, '--on', 'box', '--into', join(apps, 'gatus')], /The repo .*gatus is in .*apps\./],
    [[apps, '--on', 'box', '--into', join(folder, 'house')], /has a house\.yaml.*writ config migrate/],
  ];
  const before = filesIn(folder);
  for (const [words, says] of cases) {
    const ran = await runWrit(['adopt', ...words]);
    assert.equal(ran.exit, 2, words.join(' '));
    assert.match(ran.err, says);
    assert.match(ran.err, /Nothing was written\.\n\([a-z_]+\)\n$/);
  }
  const empty = await runWrit(['adopt', join(folder, 'empty'), ...on]);
  assert.equal(empty.exit, 1);
  assert.match(empty.out, /There is nothing that can be adopted\. Nothing was written/);
  assert.deepEqual(filesIn(folder), before);
});
