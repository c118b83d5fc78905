import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ActivationCode, activationCodes } from '../../relay/deploy/codes.ts';
import type { Release } from '../../schema/wire/release.ts';
import { withFile } from '../support/lab/changed-release.ts';
import type { EngineRequest } from '../support/lab/engine-request.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { differing, filesOf, runsOf } from '../support/lab/target-facts.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { container, edits, homelab, releaseOf, service } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';
import type { Tree } from '../support/repo-fixture.ts';

const webApp = [
  'on: websvcs',
  'units: [web.container]',
  'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
  'health: { path: /, port: 8080, within: 20s }',
  '',
].join('\n');
/** The same, where health is not waited for in earnest. */
const hastyApp = webApp.replace('20s', '2s');
const web = (exec: string, more: readonly string[] = []): string =>
  container('web', exec, ['Volume=/etc/opt/web:/www:ro', ...more]);
const serve = 'httpd -f -p 8080 -h /www';

/** An app that something is wrong with, and others that nobody may notice it by. */
const home: Tree = {
  'homelab.yaml': homelab,
  'apps/base/app.yaml': 'on: websvcs\nunits: [apps.network]\n',
  'apps/base/apps.network': '[Network]\nSubnet=10.89.7.0/24\n',
  'apps/web/app.yaml': webApp,
  'apps/web/web.container': web(serve),
  'apps/web/index.html': 'good\n',
  'apps/store/app.yaml': 'on: websvcs\nunits: [store.container]\n',
  'apps/store/store.container': container('store', 'sleep 100000'),
  'apps/plain/app.yaml': 'on: websvcs\nunits: [plain.service]\n',
  'apps/plain/plain.service': service('exec sleep 100000'),
  'apps/edge/app.yaml': [
    'on: websvcs',
    'service: haproxy.service',
    'files: [{ from: haproxy.cfg, to: /etc/haproxy/haproxy.cfg, on_change: reload }]',
    '',
  ].join('\n'),
  'apps/edge/haproxy.cfg': edits.haproxy(8081),
  'apps/dns/app.yaml': [
    'on: websvcs',
    'service: unbound.service',
    'files: [{ from: home.conf, to: /etc/unbound/unbound.conf.d/home.conf, on_change: reload }]',
    '',
  ].join('\n'),
  'apps/dns/home.conf': 'server:\n  local-data: "web.example.net. A 192.168.20.11"\n',
  'apps/tailnet/app.yaml': [
    'on: websvcs',
    'units: [headscale.service]',
    'files:',
    '  - { from: config.yaml, to: /etc/headscale/config.yaml }',
    '  - { from: policy.hujson, to: /etc/headscale/policy.hujson, on_change: reload }',
    '',
  ].join('\n'),
  'apps/tailnet/headscale.service': service('exec sleep 100000', ['ExecReload=/bin/true']),
  'apps/tailnet/config.yaml': 'good: 1\n',
  'apps/tailnet/policy.hujson': '{}\n',
};
const services = ['web', 'store', 'plain', 'haproxy', 'unbound', 'headscale'].map(
  (name) => `${name}.service`,
);

/** Stands in for Headscale, which Debian does not have: it refuses what is `broken`, and writes where it keeps its state. */
const headscaleStandIn = `#!/bin/sh
touch /var/lib/headscale/written
for last; do :; done
case "$1 $2" in "configtest --config"|"policy check") ! grep -n broken "$last" ;; *) exit 1 ;; esac
`;

type Case = {
  readonly title: string;
  readonly release: () => Promise<Release>;
  readonly code: ActivationCode | RegExp;
  /** Services that may have been interrupted; absent: nothing was changed yet. */
  readonly touched?: readonly string[];
  readonly says?: RegExp;
};

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('activations that fail on a guest with real systemd and Podman', () => {
    let target: TargetGuest;
    let good: Release;
    before(async () => {
      good = await releaseOf(home);
      target = await startTargetGuest('websvcs');
      const { guest } = target;
      const own = ['/etc/systemd/system/haproxy.service', '/etc/systemd/system/unbound.service'];
      // Without the package with the root's keys, Unbound cannot use the second.
      const others = [
        '/etc/haproxy/haproxy.cfg',
        '/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf',
      ];
      await guest.must(['rm', ...own, ...others]);
      guest.put('/usr/bin/headscale', headscaleStandIn, 0o755);
      await guest.must(['mkdir', '-p', '/var/lib/headscale']);
      await guest.must(['systemctl', 'daemon-reload']);
      const done = await target.activate(good, { pace: 5 });
      assert.equal(done?.activation.state, 'succeeded', JSON.stringify(done));
    });
    after(() => target?.close());

    const page = async (text: string, changes: Parameters<typeof releaseOf>[1] = {}): Promise<Release> =>
      releaseOf(home, { 'apps/web/index.html': `${text}\n`, ...changes });
    const unitPath = '/etc/containers/systemd/web.container';

    const cases: readonly Case[] = [
      {
        title: 'a unit that the generator refuses',
        release: async () => withFile(await page('a'), unitPath, web(serve, ['Nonsense=yes'])),
        code: 'unit_invalid',
        says: /web\.container/,
      },
      {
        title: 'a unit that cannot be parsed, which would take all others along',
        release: async () => withFile(await page('b'), unitPath, 'no section\n'),
        code: 'unit_invalid',
      },
      {
        title: 'a configuration that HAProxy refuses',
        release: () => page('c', { 'apps/edge/haproxy.cfg': `${edits.haproxy(8081)}nonsense\n` }),
        code: 'check_failed',
        says: /haproxy -c/,
      },
      {
        title: 'a configuration that Unbound refuses',
        release: () => page('d', { 'apps/dns/home.conf': 'server:\n  nonsense: yes\n' }),
        code: 'check_failed',
        says: /unbound-checkconf/,
      },
      {
        title: 'a policy that Headscale refuses (a stand-in)',
        release: () => page('e', { 'apps/tailnet/policy.hujson': 'broken\n' }),
        code: 'check_failed',
        says: /headscale/,
      },
      {
        title: 'a configuration that Headscale refuses (a stand-in)',
        release: () => page('f', { 'apps/tailnet/config.yaml': 'broken\n' }),
        code: 'check_failed',
      },
      {
        title: 'an image that nobody has',
        release: () => page('g', { 'apps/web/web.container': web(serve).replace('busy:1', 'none:1') }),
        code: 'image_missing',
        says: /localhost\/none:1/,
      },
      {
        title: 'a container that ends',
        release: () => page('h', { 'apps/web/web.container': web('false') }),
        code: /^service_(failed|flaps)$/,
        touched: ['web.service'],
      },
      {
        title: 'a program that is not there',
        release: () => page('i', { 'apps/plain/plain.service': '[Service]\nExecStart=/none\n' }),
        code: 'service_failed',
        touched: ['web.service', 'plain.service'],
      },
      {
        title: 'a probe that is never answered well',
        release: () => page('j', { 'apps/web/app.yaml': hastyApp.replace('path: /', 'path: /none') }),
        code: 'probe_failed',
        touched: ['web.service'],
        says: /404/,
      },
      {
        title: "Podman's own check that never succeeds",
        release: () =>
          page('k', {
            'apps/web/app.yaml': hastyApp,
            'apps/web/web.container': web(serve, ['HealthCmd=false', 'HealthInterval=1s', 'HealthRetries=1']),
          }),
        code: 'container_unhealthy',
        touched: ['web.service'],
      },
      {
        title: 'a service that waits for its health in vain',
        release: () =>
          page('l', {
            'apps/web/web.container': web(serve, [
              'HealthCmd=false',
              'HealthInterval=1s',
              'Notify=healthy',
            ]).replace('TimeoutStopSec=5', 'TimeoutStopSec=5\nTimeoutStartSec=2'),
          }),
        code: 'start_timeout',
        touched: ['web.service'],
      },
      {
        title: 'a service that comes up and goes down again and again',
        release: () =>
          page('m', {
            'apps/plain/plain.service':
              '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 0.4\nRestart=always\nRestartSec=50ms\n',
          }),
        code: 'service_flaps',
        touched: ['web.service', 'plain.service'],
      },
      {
        title: 'a port that another program has',
        release: () =>
          page('n', { 'apps/web/web.container': web(serve, ['PublishPort=127.0.0.1:8200:8080']) }),
        code: 'port_taken',
        touched: ['web.service'],
      },
      {
        title: 'a configuration that HAProxy takes and cannot use',
        release: () => page('o', { 'apps/edge/haproxy.cfg': edits.haproxy(8081).replace(':8000', ':8200') }),
        code: 'reload_failed',
        touched: ['web.service'],
      },
    ];

    for (const { title, release, code, touched = [], says } of cases) {
      test(`${title}: it is told, put back, and not tried again`, async (t) => {
        const { guest } = target;
        const listens = await guest.must([
          'sh',
          '-c',
          'busybox nc -ll -p 8200 -e true >/dev/null 2>&1 & echo $!',
        ]);
        t.after(() => guest.run(['kill', listens.trim()]));
        const [runs, files] = [await runsOf(guest, services), await filesOf(guest)];
        const wanted = await release();
        const done = (await target.activate(wanted, { pace: 5 }))!.activation;
        assert.ok(done.state === 'failed', JSON.stringify(done));
        t.diagnostic(`${done.code}: ${done.detail?.split('\n')[0]}`);
        if (typeof code === 'string') assert.equal(done.code, code, done.detail);
        else assert.match(done.code, code, done.detail);
        assert.match(done.detail ?? '', says ?? /./);
        assert.equal(done.back, true, JSON.stringify(done));
        assert.equal(activationCodes[done.code], 'part');
        assert.deepEqual(differing(files, await filesOf(guest)), []);
        const interrupted = differing(runs, await runsOf(guest, services));
        assert.deepEqual(
          interrupted.filter((name) => !touched.includes(name)),
          [],
        );
        const sight = await target.look();
        assert.deepEqual([sight.drift, sight.pending], [[], false]);
        const again = (await target.activate(wanted, { pace: 5 }))!;
        assert.equal(again.activation.state === 'failed' && again.activation.code, 'part_quarantined');
        assert.deepEqual(again.asked.methods.change, undefined);
      });
    }

    test('what is not the part’s fault is told, and may be tried again', async (t) => {
      const { guest } = target;
      const refused = async (
        release: Release,
        code: ActivationCode,
        more: Partial<EngineRequest> = {},
      ): Promise<void> => {
        const [runs, files] = [await runsOf(guest, services), await filesOf(guest)];
        const done = (await target.activate(release, { pace: 5, ...more }))!.activation;
        assert.ok(done.state === 'failed' && done.back, JSON.stringify(done));
        t.diagnostic(`${done.code}: ${done.detail?.split('\n')[0]}`);
        assert.equal(done.code, code, done.detail);
        assert.deepEqual(differing(files, await filesOf(guest)), []);
        assert.deepEqual(differing(runs, await runsOf(guest, services)), []);
      };
      const changed = await page('p', { 'apps/web/web.container': web(serve, ['Label=a=b']) });
      const unit = '/etc/containers/systemd/foreign.container';
      guest.put(unit, 'somebody else wrote this\n');
      await refused(changed, 'units_broken');
      await guest.must(['rm', unit]);

      const other = '/etc/opt/web/other.html';
      const more = await page('q', {
        'apps/web/app.yaml': webApp.replace('files: [', `files: [{ from: other, to: ${other} }, `),
        'apps/web/other': 'mine\n',
      });
      guest.put(other, 'theirs\n');
      await refused(more, 'foreign_file');
      await guest.must(['rm', other]);
      await guest.must(['mkdir', other]);
      await refused(more, 'not_a_file');
      await guest.must(['rmdir', other]);

      await refused(
        await withFile(good, '/etc/opt/web/index.html', 'r\n', { owner: 'nobody-here:root' }),
        'owner_unknown',
      );
      const away = 'apps/web/web.container';
      await refused(
        await page('s', { [away]: web(serve).replace('localhost/busy:1', '127.0.0.1:1/busy:1') }),
        'image_unreachable',
      );
      const takenForGranted = (app: string) =>
        page('v', { 'apps/web/app.yaml': `${webApp}${app}\nusers: [{ name: letters, uid: 970 }]\n` });
      await refused(await takenForGranted('packages: [systemd, no-such-package]'), 'packages_missing');
      await refused(
        await takenForGranted("packages: [{ name: systemd, version: '1.*' }]"),
        'packages_missing',
      );
      const granted = await takenForGranted("packages: [{ name: systemd, version: '257*' }]");
      await refused(granted, 'users_missing');
      await guest.must(['useradd', '--system', '--uid=970', '--shell=/usr/sbin/nologin', 'letters']);
      const bare = await page('t');
      await refused(bare, 'blob_missing', { lost: true });

      for (const release of [changed, more, granted, bare]) {
        const done = (await target.activate(release, { pace: 5 }))!.activation;
        assert.equal(done.state, 'succeeded', JSON.stringify(done));
      }
      assert.equal((await target.activate(good, { pace: 5 }))!.activation.state, 'succeeded');
    });

    test('a guest that goes in the middle is put back when it is there again', async () => {
      const { guest } = target;
      const files = await filesOf(guest);
      const next = await page('u');
      const fault = { phase: 'start', call: 1, when: 'after', kind: 'hang' } as const;
      assert.ok(await target.activateAndCut(next, { fault }));
      await guest.boot();
      assert.equal((await target.look()).pending, true);
      assert.notDeepEqual(differing(files, await filesOf(guest)), []);
      assert.equal((await target.goBack()).ok, true);
      assert.deepEqual(differing(files, await filesOf(guest)), []);
      const sight = await target.look();
      assert.deepEqual([sight.drift, sight.pending], [[], false]);
      // It was nobody's fault.
      assert.equal((await target.activate(next, { pace: 5 }))!.activation.state, 'succeeded');
    });

    test('checkers leave no trace', async () => {
      const written = await target.guest.run(['ls', '/var/lib/headscale']);
      assert.equal(written.out, '');
    });
  });
