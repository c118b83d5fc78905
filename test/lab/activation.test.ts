import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Release } from '../../schema/wire/release.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { missing } from '../support/missing.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const container = (name: string, exec: string, more: readonly string[] = []): string =>
  [
    '[Container]',
    'Image=localhost/busy:1',
    `ContainerName=${name}`,
    'Network=apps.network',
    ...more,
    `Exec=${exec}`,
    '[Service]',
    'Restart=on-failure',
    'TimeoutStopSec=5',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');

/** Apps that speak to each other over a network of the guest: a web page, something with a volume, and a timer. */
const home: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts: { pve1: { network: lan, address: 192.168.20.2 } }',
    'guests: { websvcs: { host: pve1, vmid: 101, network: lan, address: 192.168.20.11 } }',
    '',
  ].join('\n'),
  'apps/base/app.yaml': 'on: websvcs\nunits: [apps.network]\n',
  'apps/base/apps.network': '[Network]\nSubnet=10.89.7.0/24\n',
  'apps/web/app.yaml': [
    'on: websvcs',
    'units: [web.container]',
    'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
    'health: { path: /, port: 8080, within: 20s }',
    'uses: [store]',
    '',
  ].join('\n'),
  'apps/web/web.container': container('web', 'httpd -f -p 8080 -h /www', [
    'Volume=/etc/opt/web:/www:ro',
    'StopSignal=SIGKILL',
  ]),
  'apps/web/index.html': 'one\n',
  'apps/store/app.yaml': 'on: websvcs\nunits: [store.container, store.volume]\n',
  'apps/store/store.container': container('store', 'sleep 100000', [
    'Volume=store.volume:/data',
    'StopSignal=SIGKILL',
  ]),
  'apps/store/store.volume': '[Volume]\n',
  'apps/job/app.yaml': 'on: websvcs\nunits: [job.service, job.timer]\n',
  'apps/job/job.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
  'apps/job/job.timer': '[Timer]\nOnCalendar=yearly\n[Install]\nWantedBy=timers.target\n',
};

async function releaseOf(changes: Parameters<typeof buildTree>[1] = {}): Promise<Release> {
  const { release, findings } = await buildTree(home, changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  return release;
}

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('activation on a guest with real systemd and Podman', () => {
    let target: TargetGuest;
    before(async () => {
      target = await startTargetGuest('websvcs');
    });
    after(() => target?.close());

    /** The main process of each service: another one means that it was interrupted. */
    const pids = async (...services: string[]): Promise<string> =>
      (await target.guest.must(['systemctl', 'show', '-p', 'MainPID', '--value', ...services])).trim();

    test('an empty guest becomes healthy', async () => {
      const done = await target.activate(await releaseOf());
      assert.equal(done?.state, 'succeeded', JSON.stringify(done));
      assert.deepEqual(done.phases, ['staged', 'activated']);
      assert.equal((await target.guest.must(['systemctl', 'is-active', 'job.timer'])).trim(), 'active');
    });

    test('the same release again writes nothing and restarts nothing', async () => {
      const before = await pids('web', 'store');
      const done = await target.activate(await releaseOf());
      assert.ok(done?.state === 'succeeded' && done.result.already, JSON.stringify(done));
      assert.equal(await pids('web', 'store'), before);
    });

    test('a change of one app restarts that one alone', async () => {
      const [web, store] = [await pids('web'), await pids('store')];
      const done = await target.activate(await releaseOf({ 'apps/web/index.html': 'two\n' }));
      assert.equal(done?.state, 'succeeded', JSON.stringify(done));
      assert.notEqual(await pids('web'), web);
      assert.equal(await pids('store'), store);
      assert.equal(await target.guest.must(['cat', '/etc/opt/web/index.html']), 'two\n');
    });

    test('an app that does not come up is put back, and is not tried again', async () => {
      const [store, page] = [
        await pids('store'),
        await target.guest.must(['cat', '/etc/opt/web/index.html']),
      ];
      const broken = await releaseOf({
        'apps/web/index.html': 'three\n',
        'apps/web/web.container': container('web', 'false'),
      });
      const done = await target.activate(broken);
      assert.ok(done?.state === 'failed' && done.back, JSON.stringify(done));
      assert.match(done.code, /^service_(failed|flaps)$/);
      assert.equal(await target.guest.must(['cat', '/etc/opt/web/index.html']), page);
      assert.equal((await target.guest.must(['systemctl', 'is-active', 'web'])).trim(), 'active');
      assert.equal(await pids('store'), store);
      const again = await target.activate(broken);
      assert.ok(again?.state === 'failed' && again.code === 'part_quarantined', JSON.stringify(again));
    });

    test('a relay that is killed at any step leaves one generation, and interrupts nobody else', async (t) => {
      const old = await releaseOf({ 'apps/web/index.html': 'old\n' });
      const next = await releaseOf({ 'apps/web/index.html': 'new\n' });
      assert.equal((await target.activate(old))?.state, 'succeeded');
      const whole = await target.activate(next);
      assert.equal(whole?.state, 'succeeded', JSON.stringify(whole));
      const seed = Number(process.env.WRIT_SEED ?? Date.now() % 1_000_000);
      const kills = Number(process.env.WRIT_KILLS ?? 5);
      t.diagnostic(`${kills} kills among ${whole.calls} steps, seed ${seed}`);
      for (let index = 0; index < kills; index += 1) {
        assert.equal((await target.activate(old))?.state, 'succeeded');
        const store = await pids('store');
        // Spread over all steps, and other ones with another seed.
        const step: number = 1 + ((seed + Math.floor((index * whole.calls) / kills)) % whole.calls);
        // Health is asked for until it is there, so that one run takes a few steps less than another.
        const done = await target.activate(next, step);
        assert.ok(done === null || done.calls < step, `step ${step}: ${JSON.stringify(done)}`);
        await target.goBack();
        const page = await target.guest.must(['cat', '/etc/opt/web/index.html']);
        const same = await target.activate(page === 'new\n' ? next : old);
        assert.ok(
          same?.state === 'succeeded' && same.result.already,
          `step ${step}: ${JSON.stringify(same)}`,
        );
        assert.equal((await target.guest.must(['systemctl', 'is-active', 'web'])).trim(), 'active');
        assert.equal(await pids('store'), store, `step ${step}`);
      }
    });
  });
