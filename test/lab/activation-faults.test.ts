import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { phases } from '../../relay/deploy/phases.ts';
import { type FaultHome, histogram, runFaults } from '../support/lab/fault-runs.ts';
import { whyNoLab } from '../support/lab/root.ts';
import { startTargetGuest, type TargetGuest } from '../support/lab/target-guest.ts';
import { container, homelab, releaseOf, service } from '../support/lab/target-home.ts';
import { missing } from '../support/missing.ts';
import type { Tree } from '../support/repo-fixture.ts';

const app = (name: string, more: readonly string[] = []): string =>
  ['on: websvcs', `units: [${name}.service]`, ...more, ''].join('\n');
const waits = service('exec sleep 100000');

/** Small services, so that much can go wrong in little time: one is touched, one goes, one comes, two are left alone. */
const old: Tree = {
  'homelab.yaml': homelab,
  'apps/base/app.yaml': 'on: websvcs\nunits: [apps.network]\n',
  'apps/base/apps.network': '[Network]\nSubnet=10.89.7.0/24\n',
  'apps/still/app.yaml': 'on: websvcs\nunits: [still.container]\n',
  'apps/still/still.container': container('still', 'sleep 100000'),
  'apps/calm/app.yaml': app('calm', ['files: [{ from: calm.conf, to: /etc/opt/calm/calm.conf }]']),
  'apps/calm/calm.service': waits,
  'apps/calm/calm.conf': 'calm\n',
  'apps/main/app.yaml': app('main', [
    'files: [{ from: main.conf, to: /etc/opt/main/main.conf, mode: "0640" }]',
  ]),
  'apps/main/main.service': waits,
  'apps/main/main.conf': 'one\n',
  'apps/data/app.yaml': 'on: websvcs\nunits: [data.volume]\n',
  'apps/data/data.volume': '[Volume]\nLabel=of=one\n',
  'apps/gone/app.yaml': app('gone', ['files: [{ from: gone.conf, to: /etc/opt/gone/gone.conf }]']),
  'apps/gone/gone.service': waits,
  'apps/gone/gone.conf': 'here\n',
};
const { 'apps/gone/app.yaml': _, 'apps/gone/gone.service': __, 'apps/gone/gone.conf': ___, ...rest } = old;
const next: Tree = {
  ...rest,
  'apps/main/main.conf': 'two, and somewhat longer\n',
  'apps/data/data.volume': '[Volume]\nLabel=of=two\n',
  'apps/come/app.yaml': app('come', ['files: [{ from: come.conf, to: /etc/opt/come/come.conf }]']),
  'apps/come/come.service': waits,
  'apps/come/come.conf': 'new\n',
};
const bad: Tree = { ...next, 'apps/come/come.service': '[Service]\nType=oneshot\nExecStart=/bin/false\n' };

const lacking = whyNoLab();
if (lacking !== null) missing(lacking);
else
  describe('faults at any step of an activation', () => {
    let target: TargetGuest;
    let home: FaultHome;
    before(async () => {
      const releases = [await releaseOf(old), await releaseOf(next)] as const;
      home = {
        releases,
        bad: await releaseOf(bad),
        untouched: ['still.service', 'calm.service'],
        running: [
          ['main.service', 'gone.service'],
          ['main.service', 'come.service'],
        ],
        disks: ['/var/lib/writ-target', '/etc/opt'],
      };
      target = await startTargetGuest('websvcs');
      const done = await target.activate(releases[0], { pace: 20 });
      assert.equal(done?.activation.state, 'succeeded', JSON.stringify(done));
    });
    after(() => target?.close());

    test('whatever happens leaves one generation, interrupts nobody else, and is told as it is', async (t) => {
      const seed = Number(process.env.WRIT_SEED ?? Date.now() % 1_000_000);
      const perPhase = Number(process.env.WRIT_FAULTS ?? 5);
      t.diagnostic(`WRIT_SEED=${seed} WRIT_FAULTS=${perPhase}`);
      const hits = await runFaults(target, home, { perPhase, seed, pace: 20 }, (line) => t.diagnostic(line));
      t.diagnostic(`${hits.length} faults\n${histogram(hits)}`);
      for (const phase of phases) {
        const count = hits.filter((hit) => hit.phase === phase).length;
        assert.ok(count >= perPhase, `${phase} was hit ${count} times`);
      }
    });
  });
