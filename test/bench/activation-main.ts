// unshare --mount node test/bench/activation-main.ts FOLDER ROUNDS: one line of JSON with what bringing 30 services to a machine
// takes, by Writ's engine and by Ansible in turns. What is changed of this machine lies in overlays that end with the program.

import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { activate } from '../../relay/deploy/activate.ts';
import { createHostMachine } from '../../relay/machine/host-machine.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { ok, refuse } from '../../schema/result.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';
import { startPlay } from './ansible-play.ts';
import { timed } from './figure.ts';

const [folder, rounds] = [process.argv[2]!, Number(process.argv[3])];
const names = Array.from({ length: 30 }, (_, index) => `app${String(index).padStart(2, '0')}`);

for (const path of ['/etc', '/var/lib', '/usr/local', '/usr/lib/systemd']) {
  const name = path.slice(1).replaceAll('/', '-');
  const [upper, work] = [join(folder, `${name}-upper`), join(folder, `${name}-work`)];
  for (const made of [upper, work, path]) mkdirSync(made, { recursive: true });
  const options = `lowerdir=${path},upperdir=${upper},workdir=${work}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, path]);
}

// Whoever comes by ssh begins with an empty home: what root's shell does at its start is no part of either.
const emptyHome = join(folder, 'home');
mkdirSync(emptyHome);
execFileSync('mount', ['--bind', emptyHome, homedir()]);

/** What is asked of the services, a line each. */
const asked = join(folder, 'asked');
/** Both are given the same runtime: a systemctl that notes what it is asked, and says that all runs. */
const systemctl = `#!/bin/sh
case "$1" in show|is-active|is-enabled) ;; *) echo "$@" >> ${asked};; esac
[ "$1" = show ] || exit 0
for word in "$@"; do case "$word" in *.service)
printf 'Id=%s\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\nType=notify\\nResult=success\\nNRestarts=0\\nMainPID=1\\nRequiredBy=\\nUnitFileState=generated\\nFragmentPath=/run/%s\\n\\n' "$word" "$word";;
esac; done
`;
const programs: Readonly<Record<string, string>> = {
  '/usr/local/sbin/systemctl': systemctl,
  '/usr/local/sbin/podman': '#!/bin/sh\nexit 0\n',
  '/usr/lib/systemd/system-generators/podman-system-generator': '#!/bin/sh\nexit 0\n',
};
for (const [path, text] of Object.entries(programs)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

const home: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { cloud: { network: lan, address: 192.168.20.2 } }',
    '',
  ].join('\n'),
  ...Object.fromEntries(
    names.flatMap((name) => [
      [
        `apps/${name}/app.yaml`,
        `on: cloud\nunits: [${name}.container]\nfiles: [{ from: ${name}.ini, to: /etc/opt/${name}/${name}.ini }]\n`,
      ],
      [
        `apps/${name}/${name}.container`,
        `[Container]\nImage=docker.io/library/${name}:1.0\nContainerName=${name}\nVolume=/etc/opt/${name}:/etc/app:ro\n[Install]\nWantedBy=multi-user.target\n`,
      ],
      [`apps/${name}/${name}.ini`, `name = ${name}\nversion = 0\n`],
    ]),
  ),
};

const machine = createHostMachine('cloud');
const clock = {
  uptimeMs: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

/** Builds the release whose last app has a version of its settings, and gives what activates it. */
async function releaseOf(version: number) {
  const { release, findings } = await buildTree(home, {
    'apps/app29/app29.ini': `name = app29\nversion = ${version}\n`,
  });
  if (release === undefined) throw new Error(JSON.stringify(findings));
  const part = release.manifest.parts.find(({ target }) => target === 'cloud')!;
  const bytes = toBytes(canonicalJson(part));
  const digest = await digestBytes(bytes);
  const marks: number[] = [];
  return {
    release,
    part,
    marks,
    async apply(): Promise<void> {
      const began = performance.now();
      const done = await activate(
        {
          machine,
          clock,
          signal: new AbortController().signal,
          blob: async (wanted) => {
            const found = release.blobs.get(wanted);
            return found === undefined ? refuse('blob_missing', wanted) : ok(found);
          },
          progress: (phase) => {
            if (phase === 'activated') marks.push(performance.now() - began);
          },
        },
        { part, bytes, digest },
      );
      if (done.state !== 'succeeded') throw new Error(JSON.stringify(done));
    },
  };
}

/** Takes away what the other has made, so that neither finds the other's files. */
function clean(): void {
  for (const path of ['/etc/containers/systemd', '/etc/opt', '/var/lib/writ-target'])
    rmSync(path, { recursive: true, force: true });
}

/** Ansible's copy of the files, as a folder. */
const tree = join(folder, 'tree');
function layTree(version: number): void {
  for (const name of names) {
    for (const [path, text] of [
      [`etc/containers/systemd/${name}.container`, home[`apps/${name}/${name}.container`] as string],
      [`etc/opt/${name}/${name}.ini`, `name = ${name}\nversion = ${name === 'app29' ? version : 0}\n`],
    ] as const) {
      mkdirSync(join(tree, dirname(path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
  }
}

/** How often services were restarted or started since the last look, by their names. */
function restarts(): string[] {
  const lines = readFileSync(asked, 'utf8').split('\n');
  writeFileSync(asked, '');
  return lines.filter((line) => /^(re)?start /.test(line)).flatMap((line) => line.match(/app\d+/g) ?? []);
}

const measured = { ours: { noop: [] as number[], changed: [] as number[], switched: [] as number[] } };
const theirs = {
  stock: { noop: [] as number[], changed: [] as number[] },
  tuned: { noop: [] as number[], changed: [] as number[] },
};
appendFileSync(asked, '');
layTree(0);
for (const name of names) mkdirSync(`/etc/opt/${name}`, { recursive: true });
mkdirSync('/etc/containers/systemd', { recursive: true });
const play = await startPlay(folder, tree, names);
try {
  for (let round = 0; round < rounds; round += 1) {
    clean();
    const [old, next] = [await releaseOf(2 * round), await releaseOf(2 * round + 1)];
    await old.apply();
    restarts();
    measured.ours.noop.push(await timed(() => old.apply()));
    if (restarts().length > 0) throw new Error('a deployment of the same release restarts something');
    measured.ours.changed.push(await timed(() => next.apply()));
    measured.ours.switched.push(next.marks.at(-1)!);
    const said = restarts();
    if (said.join() !== 'app29') throw new Error(`Writ restarts ${said.join()}`);
    for (const kind of ['stock', 'tuned'] as const) {
      clean();
      layTree(2 * round);
      for (const name of names) mkdirSync(`/etc/opt/${name}`, { recursive: true });
      mkdirSync('/etc/containers/systemd', { recursive: true });
      play.run(kind);
      restarts();
      theirs[kind].noop.push(await timed(async () => play.run(kind)));
      if (restarts().length > 0) throw new Error(`a second run of Ansible (${kind}) restarts something`);
      layTree(2 * round + 1);
      theirs[kind].changed.push(await timed(async () => play.run(kind)));
      const done = restarts();
      if (done.join() !== 'app29') throw new Error(`Ansible (${kind}) restarts ${done.join()}`);
    }
  }
  console.log(JSON.stringify({ ...measured, ...theirs }));
} finally {
  await play.stop();
}
