import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentView } from '../../../../schema/api/deployments.ts';
import { digestBytes, digestOf, toBytes } from '../../../../schema/jose/digest.ts';
import { canonicalJson } from '../../../../schema/wire/canonical.ts';
import type { ReleasePart } from '../../../../schema/wire/release.ts';
import { type Desk, startDesk } from '../../../support/deploy-desk.ts';
import { type Lie, says } from '../../../support/lying-control.ts';
import { receiptBy, reportBy } from '../home-fixture.ts';

/** What an attacker would like to have signed, as the control plane would hold it. */
async function evilPart(desk: Desk): Promise<{ part: ReleasePart; digest: string }> {
  const { digest } = desk.deployments.at(-1)!.order.parts.find(({ target }) => target === 'websvcs')!;
  const part = JSON.parse(new TextDecoder().decode(desk.blobs.get(digest))) as ReleasePart;
  part.apps.find(({ name }) => name === 'blog')!.prune = ['/etc/opt'];
  const bytes = toBytes(canonicalJson(part));
  const evil = await digestBytes(bytes);
  desk.blobs.set(evil, bytes);
  return { part, digest: evil };
}

/** Answers honestly, after a change of what is said. */
const altered =
  (desk: Desk, change: (said: never) => unknown): Lie =>
  async (request, response, body) => {
    const end = response.end.bind(response);
    response.end = ((text: string) =>
      end(JSON.stringify(change(JSON.parse(text) as never)))) as typeof response.end;
    await desk.honest(request, response, body);
  };

const nothingSigned = (desk: Desk, count: number): void => assert.equal(desk.deployments.length, count);

test('threat 6: what a control plane gives for a part is what its digest says, or nothing', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const evil = await evilPart(desk);
  desk.edit('vars.yaml', 'colour: red\n');
  desk.answer('GET /v1/blobs/{}', (_, response) => response.end(canonicalJson(evil.part)));
  for (const words of [[], ['--only', 'web'], ['--dry-run']]) {
    const ran = await desk.deploy(...words);
    assert.equal(ran.exit, 3, ran.out);
    assert.match(ran.err, /gave other bytes than sha256:[0-9a-f]+ has\. .*\n\(blob_wrong\)/);
  }
  assert.equal((await desk.writ(['rollback', 'websvcs', '--to', '0', '--yes'])).exit, 3);
  nothingSigned(desk, 1);
});

test('threat 6: apps that are kept are what the relay signed, whatever the control plane says that runs', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const evil = await evilPart(desk);
  desk.edit('vars.yaml', 'colour: red\n');
  desk.answer(
    'GET /v1/targets',
    altered(desk, (said: { targets: { target: string; report: { part: string } | null }[] }) => {
      for (const one of said.targets) if (one.target === 'websvcs') one.report!.part = evil.digest;
      return said;
    }),
  );
  assert.equal((await desk.deploy('--only', 'web')).exit, 0);
  const { digest } = desk.deployments[0]!.order.parts[0]!;
  assert.doesNotMatch(new TextDecoder().decode(desk.blobs.get(digest)), /"prune":\["\/etc\/opt"\]/);

  // And where nothing is signed, nothing of another’s is.
  desk.edit('vars.yaml', 'colour: green\n');
  desk.answer('GET /v1/relays/reports', says({ reports: [] }));
  desk.answer('GET /v1/deployments', says({ deployments: [] }));
  assert.equal((await desk.deploy('--only', 'web')).exit, 2);
  nothingSigned(desk, 2);
});

test('threat 6: a report of another key or of another relay says nothing of a target', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.edit('vars.yaml', 'colour: red\n');
  const evil = await evilPart(desk);
  const targets = { websvcs: { part: evil.digest, seen: 'ok', seen_at: 1, drifted: 0, drift: [] } };
  const byController = await reportBy(desk.home.controller, { targets });
  const byOther = await reportBy(desk.home.relays.pve1, { relay: 'pve1', targets });
  desk.answer(
    'GET /v1/relays/reports',
    says({
      reports: [
        { relay: 'pve2', report: byController },
        { relay: 'pve1', report: byOther },
      ],
    }),
  );
  desk.answer('GET /v1/deployments', says({ deployments: [] }));
  const ran = await desk.deploy('--only', 'web');
  assert.equal(ran.exit, 2);
  assert.match(ran.err, /no relay has signed what runs on websvcs/);
  nothingSigned(desk, 1);
});

/** A deployment of an evil part that the control plane made up, with what receipts it can get. */
async function invented(
  desk: Desk,
  receipts: (digest: string) => Promise<string[]>,
): Promise<DeploymentView> {
  const evil = await evilPart(desk);
  const real = desk.deployments.at(-1)!;
  const order = {
    ...real.order,
    order: { ...real.order.order, desk: real.order.order.desk + 50 },
    parts: real.order.parts.map((part) =>
      part.target === 'websvcs' ? { ...part, digest: evil.digest } : part,
    ),
  };
  const digest = await digestOf('release', canonicalJson(order));
  return {
    ...real,
    id: 'dep_01ARZ3NDEKTSV4RRFFQ69G5FAV',
    order,
    digest,
    targets: real.targets.map((one) =>
      one.target === 'websvcs' ? { ...one, part: evil.digest, state: 'healthy' } : one,
    ),
    receipts: await receipts(digest),
  };
}

const receipt = (digest: string, index: number, target: string, relay: 'pve1' | 'pve2') => ({
  intent: digest,
  step: index,
  action: 'release.apply' as const,
  target,
  relay,
  result: { already: false, files: 1, started: 1, restarted: 0, reloaded: 0, stopped: 0 },
});

const lies: Record<string, (desk: Desk) => (digest: string) => Promise<string[]>> = {
  'without a receipt': () => async () => [],
  'with receipts of the part that really ran': (desk) => async () => [...desk.deployments.at(-1)!.receipts],
  'with a receipt that it signed itself': (desk) => async (digest) => [
    await receiptBy(desk.home.controller, receipt(digest, 1, 'websvcs', 'pve2')),
  ],
  'with a receipt of the relay of another target': (desk) => async (digest) => [
    await receiptBy(desk.home.relays.pve1, receipt(digest, 0, 'secsvcs', 'pve1')),
    await receiptBy(desk.home.relays.pve1, receipt(digest, 1, 'websvcs', 'pve1')),
  ],
  'with the relay’s receipt that it refused it': (desk) => async (digest) => [
    await receiptBy(desk.home.relays.pve2, {
      ...receipt(digest, 1, 'websvcs', 'pve2'),
      state: 'refused',
      code: 'not_granted',
      result: null,
    }),
  ],
};
for (const [name, receipts] of Object.entries(lies)) {
  test(`threat 3: no part that nobody ordered is signed for as an older one, ${name}`, async (t) => {
    const desk = await startDesk(t);
    await desk.deploy();
    desk.edit('vars.yaml', 'colour: red\n');
    await desk.deploy();
    const lie = await invented(desk, receipts(desk));
    const evil = lie.order.parts[1]!.digest;
    desk.answer('GET /v1/deployments', says({ deployments: [lie, ...desk.deployments] }));
    const retried = await desk.writ(['retry', 'websvcs', '--yes']);
    assert.equal(retried.exit, 3);
    assert.match(retried.err, /neither its relay nor this computer has signed so.*\n\(part_unproven\)/);
    for (const more of [[], ['--to', '0']]) await desk.writ(['rollback', 'websvcs', '--yes', ...more]);
    const all = desk.deployments.flatMap(({ order }) => order.parts.map(({ digest }) => digest));
    assert.ok(!all.includes(evil));
    const told = await desk.writ(['history', 'websvcs']);
    assert.match(told.out, new RegExp(`^ .*${evil.slice(0, 19)}.*(unproven|refused)`, 'm'));
  });
}

test('threat 3: an order whose digest another has is vouched for by nobody', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const evil = await evilPart(desk);
  desk.edit('vars.yaml', 'colour: red\n');
  await desk.deploy();
  desk.answer(
    'GET /v1/deployments',
    altered(desk, (said: { deployments: DeploymentView[] }) => {
      for (const part of said.deployments.at(-1)!.order.parts)
        if (part.target === 'websvcs') part.digest = evil.digest;
      return said;
    }),
  );
  const ran = await desk.writ(['rollback', 'websvcs', '--yes']);
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /\(nothing_before\)/);
});

test('threat 3: no number is signed after which nothing could follow', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  desk.edit('vars.yaml', 'colour: red\n');
  for (const next of [
    { run_id: 0, run_attempt: 0, desk: Number.MAX_SAFE_INTEGER - 1 },
    { run_id: 9_000_000_000_000_000, run_attempt: 1, desk: 2 },
    { run_id: 0, run_attempt: 7, desk: 2 },
  ]) {
    desk.answer(
      'GET /v1/targets',
      altered(desk, (said: object) => ({ ...said, next })),
    );
    const ran = await desk.deploy();
    assert.equal(ran.exit, 3, ran.out);
    assert.match(ran.err, /Nothing was signed: .*It may be taken\.\n\(release_number\)/);
  }
  nothingSigned(desk, 1);
  // One that forgets what was signed here gets no number twice.
  desk.answer(
    'GET /v1/targets',
    altered(desk, (said: object) => ({ ...said, next: { run_id: 0, run_attempt: 0, desk: 1 } })),
  );
  assert.equal((await desk.deploy()).exit, 0);
  assert.equal(desk.deployments[0]!.order.order.desk, 2);
});

test('threat 1: a success that no relay signed is not believed', async (t) => {
  const desk = await startDesk(t);
  const claim = (state: string): Lie =>
    altered(desk, (said: DeploymentView) => ({
      ...said,
      targets: said.targets.map((one) => ({ ...one, state, ended_at: 1 })),
      receipts: said.receipts.slice(0, state === 'healthy' ? 1 : 2),
    }));
  desk.answer('GET /v1/deployments/{}', claim('healthy'));
  const ran = await desk.deploy();
  assert.equal(ran.exit, 3, ran.out);
  assert.match(ran.err, /websvcs healthy, signed nothing\. It was not believed\.\n\(outcome_unproven\)/);
  // Nor a failure that a relay signed as a success.
  desk.answer('GET /v1/deployments/{}', claim('rolled-back'));
  const worse = await desk.writ(['deployments', desk.deployments[0]!.id]);
  assert.equal(worse.exit, 3);
  assert.match(worse.err, /secsvcs rolled-back, signed succeeded/);
});

test('threat 1: another deployment than the one that was signed is not followed', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const [first] = desk.deployments;
  desk.edit('vars.yaml', 'colour: red\n');
  desk.answer('POST /v1/releases', says(first));
  const ran = await desk.deploy();
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /another deployment than the one that was signed.*\n\(answer_foreign\)/);
  desk.answer('POST /v1/releases', null);
  desk.answer('GET /v1/deployments/{}', says({ ...first, digest: `sha256:${'0'.repeat(64)}` }));
  desk.ends.set('websvcs', null);
  desk.ends.set('secsvcs', {});
  const other = await desk.writ(['deploy', '--repo', desk.repo, '--yes', '--wait', '--again']);
  assert.equal(other.exit, 3);
  assert.match(other.err, /tells of another order as dep_/);
});

test('a control plane that asks for bytes that are not of the release gets none', async (t) => {
  const desk = await startDesk(t);
  const foreign = `sha256:${'f'.repeat(64)}`;
  desk.answer(
    'POST /v1/blobs/missing',
    altered(desk, ({ missing }: { missing: string[] }) => ({ missing: [foreign, ...missing] })),
  );
  assert.equal((await desk.deploy()).exit, 0);
  assert.ok(!desk.asked.includes(`PUT /v1/blobs/${'f'.repeat(64)}`));
});

test('threat 9: an older order that went well is not told as the outcome of a newer one', async (t) => {
  const desk = await startDesk(t);
  await desk.deploy();
  const [older] = desk.deployments;
  desk.edit('vars.yaml', 'colour: red\n');
  desk.ends.set('websvcs', null);
  assert.equal((await desk.writ(['deploy', '--repo', desk.repo, '--yes'])).exit, 0);
  const { id } = desk.deployments[0]!;
  assert.notEqual(id, older!.id);
  for (const told of [older, { ...older, id }]) {
    desk.answer('GET /v1/deployments/{}', says(told));
    for (const words of [[], ['--wait']]) {
      const ran = await desk.writ(['deployments', id, ...words]);
      assert.equal(ran.exit, 3, ran.out);
      assert.match(ran.err, /another order .*\n\(answer_foreign\)/);
    }
  }
  desk.answer('GET /v1/deployments/{}', null);
  assert.equal((await desk.writ(['deployments', older!.id])).exit, 0);
  assert.equal((await desk.writ(['deployments', id])).exit, 5);
});

test('threat 3: what ran last is told by what was signed, not by the control plane’s order or clock', async (t) => {
  const desk = await startDesk(t);
  const colours = ['old', 'good', 'new'];
  for (const colour of colours) {
    desk.edit('vars.yaml', `colour: ${colour}\n`);
    assert.equal((await desk.deploy()).exit, 0);
  }
  const partOf = (at: number) =>
    desk.deployments.at(at)!.order.parts.find(({ target }) => target === 'websvcs')!.digest;
  const [old, good] = [partOf(-1), partOf(-2)];
  desk.answer(
    'GET /v1/deployments',
    altered(desk, (said: { deployments: DeploymentView[] }) => ({
      deployments: said.deployments
        .toReversed()
        .map((view, index) => ({ ...view, created_at: Date.now() - index * 3_600_000 })),
    })),
  );
  const told = await desk.writ(['history', 'websvcs', '--json']);
  const { history } = JSON.parse(told.out) as { history: { n: number; part: string; at: number }[] };
  assert.deepEqual([history[1]?.n, history[1]?.part, history[2]?.part], [1, good, old]);
  assert.ok(history.every(({ at }, index) => index === 0 || at <= history[index - 1]!.at));
  assert.equal((await desk.writ(['rollback', 'websvcs', '--yes', '--wait'])).exit, 0);
  assert.equal(desk.deployments[0]!.order.parts[0]!.digest, good);
});
