import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { secretsProgram } from '../../relay/deploy/secrets-program.ts';
import type { Release } from '../../schema/wire/release.ts';
import { encryptSecret, makeIdentity } from '../../src/cli/secrets/age.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { traceAll, whyNoTrace } from '../support/lab/trace.ts';
import { missing } from '../support/missing.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const container = (name: string, more: readonly string[]): string =>
  [
    ...['[Container]', 'Image=localhost/busy:1', `ContainerName=${name}`, 'StopSignal=SIGKILL', ...more],
    ...['Exec=sleep 100000', '[Service]', 'TimeoutStopSec=5', '[Install]', 'WantedBy=multi-user.target', ''],
  ].join('\n');

const home: Tree = {
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
    "[Service]\nExecStart=/bin/sh -c 'cat /etc/opt/native/n.conf > /run/native.seen && exec sleep 100000'\n[Install]\nWantedBy=multi-user.target\n",
  'apps/native/n.conf.j2': "n={{ secret('native') }}\n",
  'apps/none/app.yaml': 'on: websvcs\nunits: [none.container]\n',
  'apps/none/none.container': container('none', []),
};

const services = ['env', 'file', 'folder', 'native', 'none'] as const;

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('secrets on a guest with real systemd, Podman and age', () => {
    let target: TargetGuest;
    let recipient = '';
    /** By name; each test that rotates one changes it. */
    const values: Record<string, string> = {};
    const names = ['token', 'key', 'password', 'word', 'native'];
    /** Encrypted once a value: another ciphertext is another secret. */
    const files = new Map<string, Uint8Array<ArrayBuffer>>();

    const fileOf = async (name: string, to = recipient): Promise<Uint8Array<ArrayBuffer>> => {
      const key = `${name} ${values[name]} ${to}`;
      if (!files.has(key)) {
        const made = await encryptSecret(Buffer.from(values[name]!), [to]);
        assert.ok(made.ok);
        files.set(key, made.value);
      }
      return files.get(key)!;
    };
    async function releaseOf(changes: Parameters<typeof buildTree>[1] = {}): Promise<Release> {
      const secrets: Record<string, Uint8Array<ArrayBuffer>> = {};
      for (const name of names) secrets[`secrets/websvcs/${name}.age`] = await fileOf(name);
      const { release, findings } = await buildTree({ ...home, ...secrets }, changes);
      assert.ok(release !== undefined, JSON.stringify(findings));
      return release;
    }
    const run = (...argv: string[]): Promise<string> => target.guest.must(argv);
    const program = (...words: string[]) =>
      target.guest.run(['sh', '-c', secretsProgram(), 'writ-secrets', ...words]);
    /** Of the process that is the app's own. */
    const pids = async (): Promise<Record<string, string>> => {
      const shown = (await run('systemctl', 'show', '-p', 'MainPID', '--value', ...services)).trim();
      return Object.fromEntries(services.map((name, index) => [name, shown.split(/\n+/)[index]!]));
    };
    /** Of the running process: "podman exec" looks its secrets up anew. */
    const ofProcess = async (name: string, path: string): Promise<string> => {
      const pid = (await run('podman', 'inspect', '--format', '{{.State.Pid}}', name)).trim();
      return run('cat', `/proc/${pid}/${path}`);
    };
    const environ = async (name: string): Promise<string[]> => (await ofProcess(name, 'environ')).split('\0');
    // By a shell of its own root: what is a link there leads on there.
    const within = async (name: string, path: string): Promise<string> => {
      const pid = (await run('podman', 'inspect', '--format', '{{.State.Pid}}', name)).trim();
      return run('nsenter', '-t', pid, '-m', '-r', '/bin/busybox', 'cat', path);
    };
    async function succeeds(release: Release): Promise<void> {
      const done = await target.activate(release);
      assert.equal(done?.state, 'succeeded', JSON.stringify(done));
    }
    /** What each app sees is what is released. */
    async function allAreThere(): Promise<void> {
      assert.ok((await environ('env')).includes(`TOKEN=${values.token}`));
      assert.equal(await within('env', '/run/secrets/key'), values.key);
      assert.equal(await within('file', '/f.conf'), `p=${values.password}\nu=pg://u:${values.password}@db\n`);
      assert.ok((await environ('file')).includes(`CODED=${btoa(values.password!)}`));
      assert.match((await environ('file')).join('\n'), /^HASH=\$2y\$10\$[./A-Za-z0-9]{53}$/m);
      assert.equal(await within('folder', '/conf/s.conf'), `w=${values.word}\n`);
      assert.equal(await within('folder', '/conf/plain.conf'), 'plain\n');
      assert.equal(await run('cat', '/run/native.seen'), `n=${values.native}\n`);
    }

    before(async () => {
      target = await startTargetGuest('websvcs');
      for (const name of names) values[name] = `canary-${name}-${randomBytes(12).toString('hex')}`;
      recipient = (await program('identity', 'make')).out.trim();
    });
    after(() => target?.close());

    test('apps get their secrets by variables, mounts, files and folders', async () => {
      assert.match(recipient, /^age1/);
      await succeeds(await releaseOf());
      await allAreThere();
      const listing = await run(
        'stat',
        '-L',
        '-c',
        '%a %u:%g',
        '/etc/opt/file/f.conf',
        '/etc/opt/native/n.conf',
      );
      assert.equal(listing, '640 0:33\n600 0:0\n');
      assert.equal(await run('stat', '-c', '%a %U', '/var/lib/writ-target/identity'), '400 root\n');
      const again = await target.activate(await releaseOf());
      assert.ok(again?.state === 'succeeded' && again.result.already, JSON.stringify(again));
    });

    for (const [name, user] of [
      ['token', 'env'],
      ['password', 'file'],
      ['word', 'folder'],
      ['native', 'native'],
    ] as const) {
      test(`another value of ${name} reaches the running process of ${user}, and nobody else restarts`, async () => {
        const old = await pids();
        values[name] = `other-${values[name]}`;
        await succeeds(await releaseOf());
        await allAreThere();
        const now = await pids();
        for (const service of services) {
          if (service === user) assert.notEqual(now[service], old[service], service);
          else assert.equal(now[service], old[service], service);
        }
      });
    }

    test('after a power cut apps come up with their secrets, and no relay is there', async () => {
      await target.guest.cut();
      await target.guest.boot();
      for (const service of ['env', 'file', 'folder', 'none']) {
        assert.equal((await run('systemctl', 'is-active', service)).trim(), 'active', service);
      }
      // A native unit is not enabled yet.
      await run('systemctl', 'start', 'native');
      await allAreThere();
      assert.equal((await run('systemctl', 'is-active', 'writ-secrets')).trim(), 'active');
      const again = await target.activate(await releaseOf());
      assert.ok(again?.state === 'succeeded' && again.result.already, JSON.stringify(again));
    });

    /** Tries a release that must fail with a code, and leave everything as it was. */
    async function failsAndGoesBack(release: Release, code: string, again = true): Promise<void> {
      const old = await pids();
      const done = await target.activate(release);
      assert.ok(done?.state === 'failed' && done.back, JSON.stringify(done));
      assert.equal(done.code, code, JSON.stringify(done));
      if (again) {
        assert.deepEqual(await pids(), old);
        await allAreThere();
      }
    }

    test('what cannot be decrypted is told by its own code, and changes nothing', async () => {
      const stranger = await makeIdentity('classic');
      const path = 'secrets/websvcs/token.age';
      const foreign = await releaseOf({ [path]: await fileOf('token', stranger.recipient) });
      await failsAndGoesBack(foreign, 'secret_not_for_target');
      const again = await target.activate(foreign);
      assert.ok(again?.state === 'failed' && again.code === 'part_quarantined', JSON.stringify(again));
      const damaged = (await fileOf('token')).slice();
      damaged[damaged.length - 3]! ^= 1;
      await failsAndGoesBack(await releaseOf({ [path]: damaged }), 'secret_unreadable');
      await failsAndGoesBack(await releaseOf({ [path]: undefined }), 'secret_missing');
    });

    test('a target without age, or without its identity, says so', async () => {
      const kept = values.token!;
      values.token = `newer-${kept}`;
      const next = await releaseOf();
      values.token = kept;
      const without = async (path: string, work: () => Promise<void>): Promise<void> => {
        await run('mv', path, `${path}.away`);
        try {
          await work();
        } finally {
          await run('mv', `${path}.away`, path);
        }
      };
      await without('/usr/bin/age', () => failsAndGoesBack(next, 'age_missing'));
      await without('/var/lib/writ-target/identity', async () => {
        await failsAndGoesBack(next, 'identity_lost');
        assert.match((await program('identity', 'look')).err, /^writ identity_lost the identity of age1/);
      });
      assert.equal((await program('identity', 'make')).out.trim(), recipient);
    });

    test('a driver that fails for Podman puts the old value back', async () => {
      const kept = values.token!;
      values.token = `newer-${kept}`;
      const next = await releaseOf();
      values.token = kept;
      // Podman cannot run it; who reads it sees the same bytes.
      const folder = '/usr/lib/writ-target';
      await run('mount', '--bind', folder, folder);
      await run('mount', '-o', 'remount,bind,noexec', folder);
      const old = await pids();
      const done = await target.activate(next);
      assert.ok(done?.state === 'failed' && done.code === 'secret_driver_failed', JSON.stringify(done));
      await run('umount', folder);
      await target.goBack();
      assert.equal((await pids()).none, old.none);
      await allAreThere();
      await succeeds(await releaseOf({ 'apps/folder/plain.conf': 'plain\n' }));
    });

    test('an app that does not come up with a new secret gets the old one back', async () => {
      const kept = values.token!;
      values.token = `newer-${kept}`;
      const broken = await releaseOf({
        'apps/env/env.container': container('env', ['Secret=token,type=env,target=TOKEN']).replace(
          'sleep 100000',
          'false',
        ),
      });
      values.token = kept;
      const old = await pids();
      const done = await target.activate(broken);
      assert.ok(done?.state === 'failed' && done.back, JSON.stringify(done));
      await allAreThere();
      const now = await pids();
      for (const name of ['file', 'folder', 'native', 'none']) assert.equal(now[name], old[name], name);
    });

    test('secrets that Podman has already are taken over where they are the same, and nothing restarts', async () => {
      const bare = await releaseOf({
        'apps/env/app.yaml': 'on: websvcs\nunits: [env.container]\n',
        'apps/env/env.container': container('env', []),
        ...Object.fromEntries(['token', 'key'].map((name) => [`secrets/websvcs/${name}.age`, undefined])),
      });
      await succeeds(bare);
      const drivers = async (): Promise<string> =>
        run('podman', 'secret', 'ls', '--format', '{{.Name}} {{.Driver}}');
      assert.doesNotMatch(await drivers(), /token|key/);
      const byHand = (name: string, value: string) =>
        run('sh', '-c', 'printf %s "$1" | podman secret create "$0" -', name, value);
      await byHand('token', 'something else');
      await byHand('key', values.key!);
      const old = await pids();
      const refused = await target.activate(await releaseOf());
      assert.ok(refused?.state === 'failed' && refused.code === 'secret_foreign', JSON.stringify(refused));
      assert.match(refused.detail!, /another secret token/);
      assert.deepEqual(await pids(), old);
      assert.match(await drivers(), /^key file$/m);
      await run('podman', 'secret', 'rm', 'token');
      await byHand('token', values.token!);
      await succeeds(await releaseOf());
      assert.deepEqual((await drivers()).match(/^(key|token) .*$/gm)!.sort(), ['key shell', 'token shell']);
      await allAreThere();
    });

    test('a file in clear that is the same is taken over, and one that differs is in the way', async () => {
      const { 'apps/folder/app.yaml': app } = home;
      const without = await releaseOf({
        'apps/folder/app.yaml': String(app)
          .replace(/^.*s\.conf.*\n/m, '')
          .replace('secrets: [word]\n', ''),
        'apps/folder/s.conf.j2': undefined,
        'secrets/websvcs/word.age': undefined,
      });
      await succeeds(without);
      assert.notEqual((await target.guest.run(['ls', '/etc/opt/folder/s.conf'])).code, 0);
      assert.notEqual((await target.guest.run(['ls', '/run/writ-target/files/etc/opt/folder'])).code, 0);
      target.guest.put('/etc/opt/folder/s.conf', 'w=mine\n');
      const refused = await target.activate(await releaseOf());
      assert.ok(refused?.state === 'failed' && refused.code === 'foreign_file', JSON.stringify(refused));
      assert.equal(await run('cat', '/etc/opt/folder/s.conf'), 'w=mine\n');
      target.guest.put('/etc/opt/folder/s.conf', `w=${values.word}\n`);
      await succeeds(await releaseOf());
      await allAreThere();
      const kind = async (): Promise<string> =>
        (await run('stat', '-c', '%F', '/etc/opt/folder/s.conf')).trim();
      assert.equal(await kind(), 'regular file');
      // It stays while its app runs on, and is no longer in clear once that starts anew.
      const { folder } = await pids();
      values.token = `later-${values.token}`;
      await succeeds(await releaseOf());
      assert.deepEqual([await kind(), (await pids()).folder], ['regular file', folder]);
      const again = await target.activate(await releaseOf());
      assert.ok(again?.state === 'succeeded' && again.result.already, JSON.stringify(again));
      values.word = `later-${values.word}`;
      await succeeds(await releaseOf());
      assert.equal(await kind(), 'symbolic link');
      await allAreThere();
    });

    test('threat 20: values are nowhere but in memory, where an app is given them', async (t) => {
      const why = whyNoTrace();
      if (why !== null) missing(why);
      for (const name of names) values[name] = `traced-${randomBytes(16).toString('hex')}`;
      const words = [...names, 'coded'].map((name) =>
        name === 'coded' ? btoa(values.password!) : values[name]!,
      );
      target.guest.put('/opt/record', '');
      const release = await releaseOf();
      const end = why === null ? await traceAll() : null;
      const trace = await succeeds(release)
        .finally(() => end?.([]))
        .then(() => end?.(words));
      await run('systemctl', 'restart', ...services);
      await allAreThere();

      // What the relay and the target said to each other, and what was released.
      const record = await run('cat', '/opt/record');
      assert.ok(record.length > 10_000 && record.includes('writ-secrets'));
      for (const word of words) assert.ok(!record.includes(word), 'between relay and target');
      for (const blob of [release.bytes, ...release.blobs.values()])
        for (const word of words) assert.ok(!Buffer.from(blob).includes(word), 'in the release');

      if (trace !== undefined) {
        t.diagnostic(`${trace.seen} calls were watched, ${trace.lines.length} with a value`);
        assert.ok(trace.lines.length > 0, 'what reads a value is seen');
        const programs = trace.lines.filter((line) => / execve(at)?\(/.test(line));
        assert.deepEqual(programs, [], 'in the arguments of a program');
        // Pipes between programs, tmpfs, and Podman's own place for the container.
        const fine =
          /\(\d+<(pipe:\[|socket:\[|UNIX|\/run\/writ-target\/|.*\/(userdata|storage\/overlay-containers)\/)/;
        const others = trace.lines.filter((line) => !fine.test(line));
        assert.deepEqual(
          others.map((line) => line.slice(0, 300)),
          [],
          'written elsewhere',
        );
      }
      const found = await target.guest.run(
        [
          'grep',
          '-raolF',
          ...words.flatMap((word) => ['-e', word]),
          '--exclude-dir=proc',
          '--exclude-dir=sys',
          '/',
        ],
        { timeoutMs: 300_000 },
      );
      const places = new Set(
        found.out
          .trim()
          .split('\n')
          .filter((path) => !path.startsWith('/run/writ-target/files/') && path !== '/run/native.seen')
          .map((path) => path.replace(/[0-9a-f]{64}/g, 'ID')),
      );
      t.diagnostic(`while containers exist: ${[...places].join(', ')}`);
      for (const place of places)
        assert.match(
          place,
          /^\/(var\/lib\/containers\/storage\/overlay-containers|run\/containers\/storage\/overlay-containers|run\/crun)\/ID\//,
        );
      const journal = await target.guest.run(['journalctl', '-o', 'export', '--no-pager'], {
        timeoutMs: 120_000,
      });
      assert.ok(journal.out.length > 10_000);
      for (const word of words) assert.ok(!journal.out.includes(word), 'in the journal');

      await run('systemctl', 'stop', 'env', 'file', 'folder', 'native');
      const left = await target.guest.run(
        [
          'grep',
          '-raolF',
          ...words.flatMap((word) => ['-e', word]),
          '--exclude-dir=proc',
          '--exclude-dir=sys',
          '/',
        ],
        { timeoutMs: 300_000 },
      );
      const paths = left.out
        .trim()
        .split('\n')
        .filter((path) => path !== '/run/native.seen');
      assert.ok(
        paths.every((path) => path.startsWith('/run/writ-target/files/')),
        paths.join(),
      );
    });
  });
