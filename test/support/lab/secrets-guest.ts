import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Activation } from '../../../relay/deploy/activate.ts';
import { makeIdentity } from '../../../relay/deploy/identity.ts';
import type { Machine } from '../../../relay/machine/machine.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import { ok } from '../../../schema/result.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { encryptSecret } from '../../../src/cli/secrets/age.ts';
import { buildTree, type Tree } from '../repo-fixture.ts';
import type { EngineRequest } from './engine-request.ts';
import { startTargetGuest, type TargetGuest } from './target-guest.ts';

/** A container that does nothing until it is stopped. */
export const container = (name: string, more: readonly string[]): string =>
  [
    ...['[Container]', 'Image=localhost/busy:1', `ContainerName=${name}`, 'StopSignal=SIGKILL', ...more],
    ...['Exec=sleep 100000', '[Service]', 'TimeoutStopSec=5', '[Install]', 'WantedBy=multi-user.target', ''],
  ].join('\n');

/** Apps that take secrets in each way there is, and one that takes none. */
export const secretsHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
    'guests: { websvcs: { host: pve1, vmid: 101, network: lan, address: 192.168.20.11 } }',
    '',
  ].join('\n'),
  // By Podman: a variable and a mounted file.
  'apps/env/app.yaml': 'on: websvcs\nunits: [env.container]\nsecrets: [token, key]\n',
  'apps/env/env.container': container('env', ['Secret=token,type=env,target=TOKEN', 'Secret=key,mode=0400']),
  // In a file that is mounted by itself, and derived.
  'apps/file/app.yaml': [
    'on: websvcs',
    'units: [file.container]',
    "files: [{ from: f.conf.j2, to: /etc/opt/file/f.conf, mode: '0640', owner: '0:33' }]",
    'secrets:',
    '  password:',
    '  coded: { from: password, as: base64 }',
    '  url: { from: password, as: text, pattern: "pg://u:<<password>>@db" }',
    '  hash: { from: password, as: bcrypt }',
    '',
  ].join('\n'),
  'apps/file/file.container': container('file', [
    'Volume=/etc/opt/file/f.conf:/f.conf:ro',
    'Secret=coded,type=env,target=CODED',
    'Secret=hash,type=env,target=HASH',
  ]),
  'apps/file/f.conf.j2': "p={{ secret('password') }}\nu={{ secret('url') }}\n",
  // In a folder that is mounted.
  'apps/folder/app.yaml': [
    'on: websvcs',
    'units: [folder.container]',
    'files:',
    '  - { from: s.conf.j2, to: /etc/opt/folder/s.conf }',
    '  - { from: plain.conf, to: /etc/opt/folder/plain.conf }',
    'secrets: [word]',
    '',
  ].join('\n'),
  'apps/folder/folder.container': container('folder', ['Volume=/etc/opt/folder:/conf:ro']),
  'apps/folder/s.conf.j2': "w={{ secret('word') }}\n",
  'apps/folder/plain.conf': 'plain\n',
  // A service of the machine itself.
  'apps/native/app.yaml': [
    'on: websvcs',
    'units: [native.service]',
    "files: [{ from: n.conf.j2, to: /etc/opt/native/n.conf, mode: '0600' }]",
    'secrets: [native]',
    '',
  ].join('\n'),
  'apps/native/native.service':
    "[Service]\nExecStartPre=/bin/sh -c 'cat /etc/opt/native/n.conf > /run/native.seen'\nExecStart=/bin/sleep 100000\n[Install]\nWantedBy=multi-user.target\n",
  'apps/native/n.conf.j2': "n={{ secret('native') }}\n",
  'apps/none/app.yaml': 'on: websvcs\nunits: [none.container]\n',
  'apps/none/none.container': container('none', []),
};

export const services = ['env', 'file', 'folder', 'native', 'none'] as const;

type Changes = Parameters<typeof buildTree>[1];

/** A guest whose apps have secrets. */
export type SecretsGuest = {
  readonly target: TargetGuest;
  /** The guest as a relay sees it that has no way there but running programs. */
  readonly machine: Machine;
  readonly recipient: string;
  /** By name; a test that rotates one changes it. */
  readonly values: Record<string, string>;
  readonly names: readonly string[];
  /** The file of a secret's present value; the same bytes for the same value. */
  fileOf(name: string, to?: string): Promise<Uint8Array<ArrayBuffer>>;
  releaseOf(changes?: Changes): Promise<Release>;
  /** A release with another value of a secret, which is not kept as the present one. */
  releaseWith(name: string, value: string, changes?: Changes): Promise<Release>;
  run(...argv: string[]): Promise<string>;
  /** The main process of each service: another one means that it was interrupted. */
  pids(): Promise<Record<string, string>>;
  environ(container: string): Promise<string[]>;
  /** Activates a release; throws where the program was killed. */
  activate(release: Release, more?: Partial<EngineRequest>): Promise<Activation>;
  succeeds(release: Release, more?: Partial<EngineRequest>): Promise<void>;
  /** A second time writes nothing. */
  isInForce(release: Release): Promise<void>;
  /** Works while a file is away. */
  without(path: string, work: () => Promise<void>): Promise<void>;
  /** Tries a release that fails with a code, after which all is as it was. */
  failsAndGoesBack(release: Release, code: string): Promise<void>;
  /** Asserts that what runs has the present values. */
  allAreThere(): Promise<void>;
};

/** Boots it, and lets it make its identity. */
export async function startSecretsGuest(): Promise<SecretsGuest> {
  const target = await startTargetGuest('websvcs');
  const machine = createRemoteMachine('websvcs', {
    maxStdin: 64 * 1024,
    maxStdout: 1024 * 1024,
    async run(argv, { stdin, timeoutMs }) {
      const ran = await target.guest.run(argv, { stdin, timeoutMs });
      return ok({ code: ran.code, stdout: ran.out, stderr: ran.err });
    },
  });
  const made = await makeIdentity(machine);
  assert.ok(made.ok, JSON.stringify(made));
  const recipient = made.value;
  const names = ['token', 'key', 'password', 'word', 'native'];
  const values: Record<string, string> = Object.fromEntries(
    names.map((name) => [name, `canary-${name}-${randomBytes(12).toString('hex')}`]),
  );
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const run = (...argv: string[]): Promise<string> => target.guest.must(argv);
  /** Of the running process: "podman exec" looks its secrets up anew. */
  const pidOf = async (name: string): Promise<string> =>
    (await run('podman', 'inspect', '--format', '{{.State.Pid}}', name)).trim();
  // From its own root: what is a link there leads on there.
  const within = async (name: string, path: string): Promise<string> =>
    run('nsenter', '-t', await pidOf(name), '-m', '-r', '/bin/busybox', 'cat', path);
  const guest: SecretsGuest = {
    ...{ target, machine, recipient, values, names, run },
    async fileOf(name, to = recipient) {
      const key = `${name} ${values[name]} ${to}`;
      if (!files.has(key)) {
        const file = await encryptSecret(Buffer.from(values[name]!), [to]);
        assert.ok(file.ok);
        files.set(key, file.value);
      }
      return files.get(key)!;
    },
    async releaseOf(changes = {}) {
      const secrets: Record<string, Uint8Array<ArrayBuffer>> = {};
      for (const name of names) secrets[`secrets/websvcs/${name}.age`] = await guest.fileOf(name);
      const { release, findings } = await buildTree({ ...secretsHome, ...secrets }, changes);
      assert.ok(release !== undefined, JSON.stringify(findings));
      return release;
    },
    async releaseWith(name, value, changes) {
      const kept = values[name]!;
      values[name] = value;
      const release = await guest.releaseOf(changes);
      values[name] = kept;
      return release;
    },
    async pids() {
      const shown = (await run('systemctl', 'show', '-p', 'MainPID', '--value', ...services)).trim();
      return Object.fromEntries(services.map((name, index) => [name, shown.split(/\n+/)[index]!]));
    },
    environ: async (name) => (await run('cat', `/proc/${await pidOf(name)}/environ`)).split('\0'),
    async activate(release, more) {
      const done = await target.activate(release, more);
      assert.ok(done !== null, 'it was not killed');
      return done.activation;
    },
    async succeeds(release, more) {
      const done = await guest.activate(release, more);
      assert.equal(done.state, 'succeeded', JSON.stringify(done));
    },
    async isInForce(release) {
      const done = await guest.activate(release);
      assert.ok(done.state === 'succeeded' && done.result.already, JSON.stringify(done));
    },
    async without(path, work) {
      await run('mv', path, `${path}.away`);
      try {
        await work();
      } finally {
        await run('mv', `${path}.away`, path);
      }
    },
    async failsAndGoesBack(release, code) {
      const old = await guest.pids();
      const done = await guest.activate(release);
      assert.ok(done.state === 'failed' && done.back, JSON.stringify(done));
      assert.equal(done.code, code, JSON.stringify(done));
      assert.deepEqual(await guest.pids(), old);
      await guest.allAreThere();
    },
    async allAreThere() {
      assert.ok((await guest.environ('env')).includes(`TOKEN=${values.token}`));
      assert.equal(await within('env', '/run/secrets/key'), values.key);
      assert.equal(await within('file', '/f.conf'), `p=${values.password}\nu=pg://u:${values.password}@db\n`);
      const file = await guest.environ('file');
      assert.ok(file.includes(`CODED=${btoa(values.password!)}`));
      assert.match(file.join('\n'), /^HASH=\$2y\$10\$[./A-Za-z0-9]{53}$/m);
      assert.equal(await within('folder', '/conf/s.conf'), `w=${values.word}\n`);
      assert.equal(await within('folder', '/conf/plain.conf'), 'plain\n');
      assert.equal(await run('cat', '/run/native.seen'), `n=${values.native}\n`);
    },
  };
  return guest;
}
