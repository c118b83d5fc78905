import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetReport } from '../../../schema/wire/report.ts';
import { formatMetrics } from '../../../src/http/metrics.ts';
import { onlyJob } from '../../support/control-home.ts';
import { deploy, makeReleasingHome, pollForParts as poll } from '../../support/releases.ts';

const day = 24 * 60 * 60_000;
const commit = 'c0ffee0'.padEnd(40, '0');
const textOf = (part: number): { websvcs: { files: Record<string, string> } } => ({
  websvcs: { files: { '/etc/opt/web/a.conf': `${part}` } },
});

test('what a target is, through a release that comes up and one that waits', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  const targetsOf = async () => (await control.releases.targets()).targets;
  assert.deepEqual(await targetsOf(), []);
  const first = await deploy(made, textOf(1));
  const [part] = first.release.order.parts;
  const job = await onlyJob(await poll(pve2));
  await pve2.say(job, 'started', 'succeeded');
  const healthyAt = made.clock.now();
  const seen: TargetReport = { part: part!.digest, seen: 'ok', seen_at: 1, drifted: 0, drift: [] };
  await pve2.report({ targets: { websvcs: seen } });
  assert.deepEqual(await targetsOf(), [
    {
      target: 'websvcs',
      relay: 'pve2',
      wanted: part!.digest,
      commit,
      deployed: true,
      healthy: true,
      synced: true,
      deployment: first.id,
      state: 'healthy',
      code: null,
      healthy_at: healthyAt,
      report: seen,
    },
  ]);
  made.clock.advance(1000);
  const next = await deploy(made, textOf(2), { change: (order) => ({ ...order, commit: 'f'.repeat(40) }) });
  await pve2.report({
    targets: {
      websvcs: {
        ...seen,
        drifted: 2,
        drift: [{ kind: 'unit', name: 'web.service', is: 'failed' }],
        certificates: [{ app: 'web', name: 'tls', expires: made.clock.now() + day }],
      },
    },
  });
  const [waiting] = await targetsOf();
  assert.deepEqual(
    [waiting?.deployment, waiting?.state, waiting?.commit, waiting?.healthy_at],
    [next.id, 'pending', 'f'.repeat(40), healthyAt],
  );
  assert.deepEqual([waiting?.deployed, waiting?.healthy, waiting?.synced], [false, false, null]);

  // What is measured is what runs, not what is wanted.
  const text = formatMetrics(await control.upkeep.metrics(), made.clock.now());
  for (const line of [
    `writ_target_info{target="websvcs",host="pve2",part="${part!.digest}",commit="${commit}"} 1`,
    'writ_target_deployed{target="websvcs",host="pve2"} 0',
    'writ_target_healthy{target="websvcs",host="pve2"} 0',
    'writ_target_drifted{target="websvcs",host="pve2"} 2',
    `writ_target_last_success_timestamp_seconds{target="websvcs",host="pve2"} ${healthyAt / 1000}`,
    'writ_target_last_success_age_seconds{target="websvcs",host="pve2"} 1',
    `writ_certificate_expires_timestamp_seconds{target="websvcs",host="pve2",app="web",certificate="tls"} ${(made.clock.now() + day) / 1000}`,
    'writ_certificate_left_seconds{target="websvcs",host="pve2",app="web",certificate="tls"} 86400',
    'writ_deployment_targets{state="healthy"} 1',
    'writ_deployment_targets{state="pending"} 1',
    'writ_deployment_targets{state="rolled-back"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
  }
  assert.doesNotMatch(text, /writ_target_synced/, 'what is not known is left out');
});

test('the last 50 deployments are kept, and what a target should run or runs; other blobs go after a day', async (t) => {
  const { made, control, pve2 } = await makeReleasingHome(t);
  await control.upkeep.sweep();
  const first = await deploy(made, textOf(0));
  await pve2.say(await onlyJob(await poll(pve2)), 'started', 'succeeded');
  const ids: string[] = [];
  const releases = [];
  for (let part = 1; part <= 53; part += 1) {
    made.clock.advance(1);
    const { id, release } = await deploy(made, textOf(part));
    ids.push(id);
    releases.push(release);
  }
  const loose = await made.control.releases.missing([`sha256:${'0'.repeat(64)}`]);
  assert.equal(loose.length, 1);
  made.clock.advance(10 * 60_000);
  await control.upkeep.sweep();
  const left = new Set((await control.releases.deployments({ limit: 200 })).map(({ id }) => id));
  assert.deepEqual([...left].toSorted(), [first.id, ...ids.slice(3)].toSorted());
  const gone = releases.slice(0, 3).flatMap(({ order }) => order.parts.map(({ digest }) => digest));
  assert.deepEqual(await control.releases.missing(gone), [], 'their blobs are kept for a day');
  made.clock.advance(day + 60 * 60_000);
  await control.upkeep.sweep();
  assert.deepEqual(await control.releases.missing(gone), gone);
  const kept = [first.release, ...releases.slice(3)].flatMap(({ blobs }) => [...blobs.keys()]);
  assert.deepEqual(await control.releases.missing(kept), []);
});
