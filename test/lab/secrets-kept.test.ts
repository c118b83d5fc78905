import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Phase } from '../../relay/deploy/phases.ts';
import { whyNoLab } from '../support/lab/root.ts';
import {
  container,
  type SecretsGuest,
  secretsHome,
  services,
  startSecretsGuest,
} from '../support/lab/secrets-guest.ts';
import { traceAll, whyNoTrace } from '../support/lab/trace.ts';
import { missing } from '../support/missing.ts';

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('what becomes of secrets on a guest', () => {
    let guest: SecretsGuest;
    before(async () => {
      guest = await startSecretsGuest();
    });
    after(() => guest?.target.close());

    test('a guest that ran its apps before is taken over, and nothing restarts', async () => {
      const { values } = guest;
      const derived: Readonly<Record<string, string>> = {
        ...values,
        coded: btoa(values.password!),
        url: `pg://u:${values.password}@db`,
      };
      // A hash has another salt when somebody else makes it.
      const withoutHash = (text: unknown): string => String(text).replace(/^.*[hH]ash.*\n/m, '');
      const release = await guest.releaseOf({
        'apps/file/app.yaml': withoutHash(secretsHome['apps/file/app.yaml']),
        'apps/file/file.container': withoutHash(secretsHome['apps/file/file.container']),
      });
      for (const file of release.manifest.parts[0]!.files) {
        if (file.path.endsWith('90-writ-secrets.conf')) continue;
        const text = Buffer.from(release.blobs.get(file.digest)!).toString();
        const inClear = text.replace(/~writ:secret:(\w+)~/g, (_, name: string) => derived[name]!);
        guest.target.guest.put(file.path, inClear, Number.parseInt(file.mode, 8));
      }
      await guest.run('chown', '0:33', '/etc/opt/file/f.conf');
      for (const name of ['token', 'key', 'coded'])
        await guest.run('sh', '-c', 'printf %s "$1" | podman secret create "$0" -', name, derived[name]!);
      await guest.run('systemctl', 'daemon-reload');
      await guest.run('systemctl', 'start', ...services);
      const before = await guest.pids();
      await guest.succeeds(release);
      assert.deepEqual(await guest.pids(), before);
      const drivers = await guest.run('podman', 'secret', 'ls', '--format', '{{.Name}} {{.Driver}}');
      assert.deepEqual(drivers.trim().split('\n').sort(), [
        ...[
          'coded shell',
          'key shell',
          'native shell',
          'password shell',
          'token shell',
          'url shell',
          'word shell',
        ],
      ]);
      const files = ['/etc/opt/file/f.conf', '/etc/opt/folder/s.conf', '/etc/opt/native/n.conf'];
      const kinds = async (): Promise<string[]> =>
        (await guest.run('stat', '-c', '%F', ...files)).trim().split('\n');
      assert.deepEqual(new Set(await kinds()), new Set(['regular file']));
      assert.equal(await guest.run('podman', 'exec', 'folder', 'cat', '/conf/s.conf'), `w=${values.word}\n`);
      // Once each has started anew, nothing is in clear any more.
      for (const name of ['password', 'word', 'native']) values[name] = `later-${values[name]}`;
      await guest.succeeds(await guest.releaseOf());
      assert.deepEqual(new Set(await kinds()), new Set(['symbolic link']));
      await guest.allAreThere();
    });

    test('secrets that Podman has already are taken over where they are the same, and refused where not', async () => {
      const bare = await guest.releaseOf({
        'apps/env/app.yaml': 'on: websvcs\nunits: [env.container]\n',
        'apps/env/env.container': container('env', []),
        ...Object.fromEntries(['token', 'key'].map((name) => [`secrets/websvcs/${name}.age`, undefined])),
      });
      await guest.succeeds(bare);
      const drivers = async (): Promise<string> =>
        guest.run('podman', 'secret', 'ls', '--format', '{{.Name}} {{.Driver}}');
      assert.doesNotMatch(await drivers(), /token|key/);
      const byHand = (name: string, value: string) =>
        guest.run('sh', '-c', 'printf %s "$1" | podman secret create "$0" -', name, value);
      await byHand('token', 'something else');
      await byHand('key', guest.values.key!);
      const old = await guest.pids();
      const refused = await guest.activate(await guest.releaseOf());
      assert.ok(refused.state === 'failed' && refused.code === 'secret_foreign', JSON.stringify(refused));
      assert.match(refused.detail!, /another secret token/);
      assert.deepEqual(await guest.pids(), old);
      assert.match(await drivers(), /^key file$/m);
      await guest.run('podman', 'secret', 'rm', 'token');
      await byHand('token', guest.values.token!);
      await guest.succeeds(await guest.releaseOf());
      assert.deepEqual((await drivers()).match(/^(key|token) .*$/gm)!.sort(), ['key shell', 'token shell']);
      await guest.allAreThere();
    });

    test('a relay that is killed at any step leaves the secrets of one generation', async (t) => {
      await guest.succeeds(await guest.releaseOf());
      const seed = Number(process.env.WRIT_SEED ?? Date.now() % 1_000_000);
      const kills = Number(process.env.WRIT_KILLS ?? 5);
      /** Another value of two secrets of two apps. */
      const change = async (mark: string) => {
        const values = { token: `token-${mark}-${seed}`, password: `password-${mark}-${seed}` };
        const before = { ...guest.values };
        Object.assign(guest.values, values);
        const release = await guest.releaseOf();
        Object.assign(guest.values, before);
        return { release, values };
      };
      const first = await change('first');
      const whole = await guest.target.activate(first.release);
      assert.equal(whole?.activation.state, 'succeeded', JSON.stringify(whole?.activation));
      Object.assign(guest.values, first.values);
      const steps = Object.entries(whole.asked.phases).flatMap(([phase, calls]) =>
        Array.from({ length: calls }, (_, index) => ({ phase: phase as Phase, call: index + 1 })),
      );
      t.diagnostic(`${kills} kills among ${steps.length} steps, seed ${seed}`);
      for (let index = 0; index < kills; index += 1) {
        const { release, values } = await change(String(index));
        const { none } = await guest.pids();
        const step = steps[(seed + Math.floor((index * steps.length) / kills)) % steps.length]!;
        const where = `${step.phase} ${step.call}`;
        await guest.target.activate(release, { fault: { ...step, when: 'before', kind: 'kill' } });
        const back = await guest.target.goBack();
        assert.ok(back.ok, `${where}: ${JSON.stringify(back)}`);
        if ((await guest.environ('env')).includes(`TOKEN=${values.token}`))
          Object.assign(guest.values, values);
        await guest.allAreThere();
        await guest.isInForce(await guest.releaseOf());
        assert.equal((await guest.pids()).none, none, where);
      }
    });

    test('a file in clear that is the same is taken over, and one that differs is in the way', async () => {
      const { 'apps/folder/app.yaml': app } = secretsHome;
      const without = await guest.releaseOf({
        'apps/folder/app.yaml': String(app)
          .replace(/^.*s\.conf.*\n/m, '')
          .replace('secrets: [word]\n', ''),
        'apps/folder/s.conf.j2': undefined,
        'secrets/websvcs/word.age': undefined,
      });
      await guest.succeeds(without);
      assert.notEqual((await guest.target.guest.run(['ls', '/etc/opt/folder/s.conf'])).code, 0);
      assert.notEqual(
        (await guest.target.guest.run(['ls', '/run/writ-target/files/etc/opt/folder'])).code,
        0,
      );
      guest.target.guest.put('/etc/opt/folder/s.conf', 'w=mine\n');
      const refused = await guest.activate(await guest.releaseOf());
      assert.ok(refused.state === 'failed' && refused.code === 'foreign_file', JSON.stringify(refused));
      assert.equal(await guest.run('cat', '/etc/opt/folder/s.conf'), 'w=mine\n');
      guest.target.guest.put('/etc/opt/folder/s.conf', `w=${guest.values.word}\n`);
      await guest.succeeds(await guest.releaseOf());
      await guest.allAreThere();
      const kind = async (): Promise<string> =>
        (await guest.run('stat', '-c', '%F', '/etc/opt/folder/s.conf')).trim();
      assert.equal(await kind(), 'regular file');
      // It stays while its app runs on, and is no longer in clear once that starts anew.
      const { folder } = await guest.pids();
      guest.values.token = `later-${guest.values.token}`;
      await guest.succeeds(await guest.releaseOf());
      assert.deepEqual([await kind(), (await guest.pids()).folder], ['regular file', folder]);
      await guest.isInForce(await guest.releaseOf());
      guest.values.word = `later-${guest.values.word}`;
      await guest.succeeds(await guest.releaseOf());
      assert.equal(await kind(), 'symbolic link');
      await guest.allAreThere();
    });

    test('threat 20: values are nowhere but in memory, where an app is given them', async (t) => {
      const why = whyNoTrace();
      if (why !== null) missing(why);
      for (const name of guest.names) guest.values[name] = `traced-${randomBytes(16).toString('hex')}`;
      const { names } = guest;
      const words = [...names, 'coded'].map((name) =>
        name === 'coded' ? btoa(guest.values.password!) : guest.values[name]!,
      );
      const release = await guest.releaseOf();
      const end = why === null ? await traceAll() : null;
      const trace = await guest
        .succeeds(release, { record: '/opt/record' })
        .finally(() => end?.([]))
        .then(() => end?.(words));
      await guest.run('systemctl', 'restart', ...services);
      await guest.allAreThere();

      // What the relay and the target said to each other, and what was released.
      const record = await guest.run('cat', '/opt/record');
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
      const filled = '/run/writ-target/files/';
      const placesWith = async (): Promise<string[]> => {
        const found = await guest.target.guest.run(
          [
            ...['grep', '-ralF', '--exclude-dir=proc', '--exclude-dir=sys'],
            ...words.flatMap((word) => ['-e', word]),
            '/',
          ],
          { timeoutMs: 300_000 },
        );
        const paths = found.out.trim().split('\n');
        assert.ok(
          paths.some((path) => path.startsWith(filled)),
          'the search finds what is there',
        );
        // What the app itself writes.
        return paths.filter((path) => !path.startsWith(filled) && path !== '/run/native.seen');
      };
      const places = (await placesWith()).map((path) => path.replace(/[0-9a-f]{64}/g, 'ID'));
      t.diagnostic(`while containers exist: ${[...new Set(places)].join(', ')}`);
      for (const place of places)
        assert.match(place, /^\/(var\/lib\/containers\/storage\/overlay-containers|run\/crun)\/ID\//);
      const journal = await guest.target.guest.run(['journalctl', '-o', 'export', '--no-pager'], {
        timeoutMs: 120_000,
      });
      assert.ok(journal.out.length > 10_000);
      for (const word of words) assert.ok(!journal.out.includes(word), 'in the journal');

      await guest.run('systemctl', 'stop', 'env', 'file', 'folder', 'native');
      assert.deepEqual(await placesWith(), []);
    });
  });
