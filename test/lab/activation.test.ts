import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ActivateResult } from '../../relay/deploy/activate.ts';
import type { Release } from '../../schema/wire/release.ts';
import { readReleaseFile } from '../../src/config/build/release-file.ts';
import type { EngineAnswer } from '../support/lab/engine-request.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { differing, filesOf, filesWanted, runsOf, writingsOf } from '../support/lab/target-facts.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { container, edits, releaseOf, wideHome } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';

const units = [
  ...['haproxy.service', 'proxy.service', 'web.service', 'store.service', 'apps-network.service'],
  ...['worker@one.service', 'worker@two.service', 'workers.target', 'job.timer', 'echo.socket'],
  ...['beacon.service', 'clock.service'],
];
const partOf = ({ manifest }: Release) => manifest.parts.find(({ target }) => target === 'websvcs')!;

/** So much faster than its own clock health is looked at: what comes up at once in tests stays up. */
const pace = 5;

function succeeded(answer: EngineAnswer | null): ActivateResult {
  const activation = answer?.activation;
  assert.equal(activation?.state, 'succeeded', JSON.stringify(answer));
  return activation.result;
}

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('activation of ten apps on a guest with real systemd and Podman', () => {
    let target: TargetGuest;
    /** What the distribution has in the same folders. */
    let bare: ReadonlyMap<string, string>;
    before(async () => {
      target = await startTargetGuest('websvcs');
      // The distribution's own: the lab's guests do without it, and nobody else's file may be in the way.
      await target.guest.must(['rm', '/etc/systemd/system/haproxy.service', '/etc/haproxy/haproxy.cfg']);
      await target.guest.must(['systemctl', 'daemon-reload']);
      bare = await filesOf(target.guest);
    });
    after(() => target?.close());

    const get = (url: string) => target.guest.run(['busybox', 'wget', '-T', '5', '-qO-', url]);
    const runs = () => runsOf(target.guest, units);
    const allActive = async (): Promise<void> => {
      const states = await target.guest.run(['systemctl', 'is-active', '--', ...units]);
      assert.deepEqual(
        states.out.trim().split('\n'),
        units.map(() => 'active'),
      );
    };
    /** Activates a change of the home, and says which units were interrupted and which files written. */
    const change = async (changes: Parameters<typeof releaseOf>[1]) => {
      const [ran, written] = [await runs(), await writingsOf(target.guest)];
      const result = succeeded(await target.activate(await releaseOf(wideHome, changes), { pace }));
      const files = differing(written, await writingsOf(target.guest));
      return {
        result,
        interrupted: differing(ran, await runs()),
        written: files.filter((path) => !path.startsWith('/var/lib/writ-target/')),
      };
    };

    test('an empty guest becomes healthy, and each app does what it is for', async (t) => {
      const release = await releaseOf(wideHome);
      const done = await target.activate(release);
      const result = succeeded(done);
      t.diagnostic(`${Math.round(done!.ms[0]!)} ms, ${JSON.stringify(done!.asked.phases)}`);
      assert.deepEqual(done!.progress, ['staged', 'activated']);
      assert.equal(result.started, 9, JSON.stringify(result));
      await allActive();
      const wanted = new Map([...bare, ...filesWanted(partOf(release))]);
      assert.deepEqual(differing(await filesOf(target.guest), wanted), []);
      assert.equal((await get('http://127.0.0.1:8000/')).out, 'one\n', 'through HAProxy and the proxy');
      const volume = '/var/lib/containers/storage/volumes/systemd-store/_data/schema.sql';
      assert.equal(await target.guest.must(['cat', volume]), 'create table one;\n');
      const said = await target.guest.run(['busybox', 'nc', '127.0.0.1', '7007'], { stdin: 'hello\n' });
      assert.equal(said.out, 'hello\n', 'the socket starts a service for a connection');
      assert.equal(await target.guest.must(['cat', '/run/beacon.shown']), 'bright\n');
      assert.equal(await target.guest.must(['stat', '-c', '%a %u', '/etc/opt/web-cache']), '750 33\n');
    });

    test('the same release again asks once and writes nothing', async (t) => {
      const release = await releaseOf(wideHome);
      const [ran, written] = [await runs(), await writingsOf(target.guest)];
      const here = await target.activate(release);
      assert.ok(succeeded(here).already);
      assert.deepEqual(here!.asked, { phases: { look: 1 }, methods: { look: 1 }, programs: 0 });
      const there = await target.activate(release, { by: 'exec' });
      assert.ok(succeeded(there).already);
      assert.deepEqual(there!.asked, { phases: { look: 1 }, methods: { look: 1 }, programs: 1 });
      assert.deepEqual(differing(written, await writingsOf(target.guest)), []);
      assert.deepEqual(differing(ran, await runs()), []);
      t.diagnostic(
        `on the host ${here!.ms[0]!.toFixed(1)} ms, by one program ${there!.ms[0]!.toFixed(1)} ms`,
      );
    });

    test('a look finds nothing that differs, with no program on the host and with one elsewhere', async (t) => {
      const times = 20;
      const here = await target.ask({ do: 'look', times });
      assert.deepEqual([here!.sight!.drift, here!.asked.programs], [[], 0]);
      assert.match(here!.sight!.part!, /^sha256:/);
      assert.deepEqual(new Set(Object.keys(here!.asked.methods)), new Set(['look', 'read']));
      const there = await target.ask({ do: 'look', times, by: 'exec' });
      // The first asks which part is in force, and what that is.
      assert.deepEqual([there!.sight, there!.asked.programs], [here!.sight, times + 2]);
      const median = (ms: readonly number[]): number => [...ms].sort((a, b) => a - b)[ms.length >> 1]!;
      t.diagnostic(
        `on the host ${median(here!.ms).toFixed(1)} ms, by one program ${median(there!.ms).toFixed(1)} ms`,
      );
    });

    test('what somebody changes by hand is told by its name', async () => {
      const { guest } = target;
      const spoil = [
        'echo more >> /etc/opt/web/index.html; rm /etc/opt/beacon/beacon.conf',
        'chmod 600 /etc/opt/workers/work.conf; chown 7:7 /etc/haproxy/haproxy.cfg; chmod 755 /etc/opt/web-cache',
        'systemctl stop clock; systemctl kill -s SEGV beacon',
      ].join('; ');
      await guest.must(['sh', '-c', spoil]);
      const unit = (name: string, is: string) => ({ kind: 'unit', name, is });
      const file = (name: string, is: string) => ({ kind: 'file', name, is });
      for (const by of ['host', 'exec'] as const) {
        const seen = await target.ask({ do: 'look', by });
        assert.deepEqual(seen!.sight!.drift, [
          file('/etc/haproxy/haproxy.cfg', 'owner'),
          file('/etc/opt/beacon/beacon.conf', 'missing'),
          file('/etc/opt/web-cache', 'mode'),
          file('/etc/opt/web/index.html', 'changed'),
          file('/etc/opt/workers/work.conf', 'mode'),
          unit('beacon.service', 'failed'),
          unit('clock.service', 'stopped'),
        ]);
      }
      // The same release puts files back, and with them the services that read them; what was only stopped stays so.
      const [ran, again] = [await runs(), await target.activate(await releaseOf(wideHome), { pace })];
      assert.equal(succeeded(again).already, false);
      assert.deepEqual(differing(ran, await runs()), ['beacon.service', 'web.service']);
      assert.deepEqual((await target.look()).drift, [unit('clock.service', 'stopped')]);
      await guest.must(['systemctl', 'start', 'clock']);
      assert.deepEqual((await target.look()).drift, []);
    });

    test('a change of one app restarts that one alone', async () => {
      const page = await change({ 'apps/web/index.html': 'two\n' });
      assert.deepEqual([page.interrupted, page.written], [['web.service'], ['/etc/opt/web/index.html']]);
      assert.equal((await get('http://127.0.0.1:8000/')).out, 'two\n');

      const unit = container('store', 'httpd -f -p 5432 -h /data', [
        'Volume=store.volume:/data',
        'Label=a=b',
      ]);
      const store = await change({ 'apps/web/index.html': 'two\n', 'apps/store/store.container': unit });
      assert.deepEqual(store.interrupted, ['store.service']);

      const work = await change({ 'apps/workers/work.conf': 'little\n' });
      const workers = ['worker@one.service', 'worker@two.service', 'workers.target'];
      assert.deepEqual(
        work.interrupted,
        ['store.service', 'web.service', ...workers].sort(),
        'and what goes back to what it was',
      );
    });

    test('a file that is only read again restarts nothing', async () => {
      const door = edits.haproxy(8081).replace('timeout client 10s', 'timeout client 11s');
      const { interrupted, result } = await change({
        'apps/workers/work.conf': 'little\n',
        'apps/beacon/beacon.conf': 'dim\n',
        'apps/edge/haproxy.cfg': door,
      });
      assert.deepEqual([interrupted, result.reloaded, result.restarted], [[], 2, 0]);
      assert.equal(await target.guest.must(['cat', '/run/beacon.shown']), 'dim\n');
      assert.equal((await get('http://127.0.0.1:8000/')).out, 'one\n');
    });

    test('a folder that is kept free of other files is, and nothing is interrupted', async () => {
      const { guest } = target;
      const prune = `${wideHome['apps/web/app.yaml']}`.replace('index.html }', 'index.html, prune: true }');
      // What the change before left goes back to what it was.
      await change({});
      const mounted = '/etc/opt/web/mounted';
      await guest.must(['mkdir', '-p', '/etc/opt/web/stray/deep', mounted]);
      await guest.must(['mount', '-t', 'tmpfs', 'writ', mounted]);
      await guest.must(['touch', `${mounted}/x`]);
      await guest.must(['cp', '/etc/hosts', '/etc/opt/web/stray/deep/a b']);
      const done = await change({ 'apps/web/app.yaml': prune });
      assert.deepEqual([done.interrupted, done.result.restarted], [[], 0]);
      const left = await guest.must(['find', '/etc/opt/web', '-mindepth', '1']);
      assert.deepEqual(left.trim().split('\n').sort(), ['/etc/opt/web/index.html', mounted, `${mounted}/x`]);
      await guest.must(['umount', mounted]);
      await guest.must(['rmdir', mounted]);
      await guest.must(['ln', '-s', '/etc', '/etc/opt/web/link']);
      const release = await releaseOf(wideHome, { 'apps/web/app.yaml': prune });
      const refused = (await target.activate(release, { pace }))?.activation;
      assert.equal(refused?.state === 'failed' && refused.code, 'not_a_file', JSON.stringify(refused));
      await guest.must(['rm', '/etc/opt/web/link']);
      await change({});
    });

    test('an app that goes takes along what it brought, and a network that changes is made anew', async () => {
      const gone = await change({
        'apps/echo/app.yaml': undefined,
        'apps/echo/echo.socket': undefined,
        'apps/echo/echo@.service': undefined,
        'apps/base/apps.network': '[Network]\nSubnet=10.89.8.0/24\n',
      });
      assert.equal(gone.result.stopped, 1, JSON.stringify(gone));
      const users = [
        'proxy.service',
        'store.service',
        'web.service',
        'worker@one.service',
        'worker@two.service',
      ];
      assert.deepEqual(
        gone.interrupted.filter((name) => name.endsWith('.service') && name !== 'apps-network.service'),
        users,
      );
      const enabled = await target.guest.run(['systemctl', 'is-enabled', 'echo.socket']);
      assert.match(enabled.out + enabled.err, /not-found|No such file/);
      const network = [
        'podman',
        'network',
        'inspect',
        '--format',
        '{{range .Subnets}}{{.Subnet}}{{end}}',
        'systemd-apps',
      ];
      assert.equal(await target.guest.must(network), '10.89.8.0/24\n');
      assert.equal((await get('http://127.0.0.1:8000/')).out, 'one\n');
      await change({});
      await allActive();
    });

    test('all of it starts with the machine', async () => {
      await target.guest.cut();
      await target.guest.boot();
      await target.guest.run(['systemctl', 'start', 'multi-user.target'], { timeoutMs: 60_000 });
      await allActive();
      assert.deepEqual((await target.look()).drift, []);
    });

    test('what writ adopt makes of a machine restarts nothing when it is deployed there', async (t) => {
      const { guest } = target;
      await guest.must(['rm', '-rf', '/var/lib/writ-target']);
      const [ran, files, written] = [await runs(), await filesOf(guest), await writingsOf(guest)];
      const folders = ['etc/containers/systemd', 'etc/systemd/system', 'etc/opt', 'etc/haproxy'];
      await guest.must(['tar', '-C', '/', '-cf', '/tmp/websvcs.tar', ...folders]);
      const folder = mkdtempSync(join(tmpdir(), 'writ-adopt-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const writ = (...words: string[]): string => {
        const main = join(import.meta.dirname, '../../src/cli/main.ts');
        const done = spawnSync(process.execPath, [main, ...words], { cwd: folder, encoding: 'utf8' });
        assert.equal(done.status, 0, done.stdout + done.stderr);
        return done.stdout;
      };
      writeFileSync(join(folder, 'websvcs.tar'), guest.read('/tmp/websvcs.tar'));
      writ('adopt', 'websvcs.tar', '--on', 'websvcs', '--host', 'pve1', '--vmid', '101', '--into', 'home');
      const build = async (): Promise<Release> => {
        rmSync(join(folder, 'home.tar'), { force: true });
        writ('config', 'build', '--repo', 'home', '--release', 'home.tar');
        const release = await readReleaseFile(new Uint8Array(readFileSync(join(folder, 'home.tar'))));
        assert.ok(release.ok);
        return release.value;
      };
      const release = await build();
      const result = succeeded(await target.activate(release, { pace }));
      t.diagnostic(JSON.stringify(result));
      assert.deepEqual([result.started, result.files], [0, 0]);
      assert.deepEqual(differing(ran, await runs()), []);
      assert.deepEqual(differing(files, await filesOf(guest)), []);
      const touched = differing(written, await writingsOf(guest));
      assert.deepEqual(
        touched.filter((path) => !path.startsWith('/var/lib/writ-target/')),
        [],
      );
      // From then on, what it adopted is Writ's: a change reaches it.
      const [page] = globSync('home/apps/*/**/index.html', { cwd: folder });
      writeFileSync(join(folder, page!), 'mine\n');
      succeeded(await target.activate(await build(), { pace }));
      assert.deepEqual(differing(ran, await runs()), ['web.service']);
      await allActive();
    });
  });
