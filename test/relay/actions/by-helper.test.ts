import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ActClient, ActHeard } from '../../../relay/drivers/act-client.ts';
import type { ActOutcome, ActSeen } from '../../../relay/drivers/act-messages.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { TargetReport } from '../../../schema/wire/report.ts';
import { observeAfter, perform, type Stage } from '../../support/perform.ts';
import { testDigest } from '../../support/relay-home.ts';
import { steppedTime } from '../../support/stepped-time.ts';

const time = steppedTime();
const result = { already: false, files: 1, started: 1, restarted: 0, reloaded: 0, stopped: 0 };
const succeeded: ActOutcome = { state: 'succeeded', result };
const report: TargetReport = { part: null, seen: 'ok', seen_at: 1, drifted: 0, drift: [] };
const gone: ActHeard<ActOutcome> = refuse('act_gone');
const says = (code: string): ActHeard<never> => ({ ok: false, reason: 'act_refused', code });

const partFor = (target: string) => {
  const part = { target, relay: 'pve2', apps: [], files: [] };
  return toBytes(canonicalJson(part));
};
const signed = {
  bytes: toBytes('{}'),
  authorisation: 'a.b.c',
  part: 0,
  digest: testDigest('d'),
};

type Asked = { asked: string[] };

/** A helper that says these things, the last for ever. */
function helperThat(
  heard: {
    apply?: ActHeard<ActOutcome>;
    settle?: readonly ActHeard<ActOutcome>[];
    look?: ActHeard<ActSeen>;
  } = {},
): ActClient & Asked {
  const asked: string[] = [];
  let settled = 0;
  return {
    asked,
    apply: async (order, { blob, progress }) => {
      asked.push(`apply ${order.part}`);
      await blob(testDigest('b'));
      progress('staged');
      return heard.apply ?? ok(succeeded);
    },
    settle: async (target, order) => {
      asked.push(`settle ${target} ${order}`);
      const all = heard.settle ?? [ok(succeeded)];
      settled += 1;
      return all[settled - 1] ?? all.at(-1)!;
    },
    look: async (target) => {
      asked.push(`look ${target}`);
      return heard.look ?? ok({ report });
    },
  };
}

async function stageFor(target: string, helper: ActClient): Promise<{ stage: Stage; part: string }> {
  const bytes = partFor(target);
  const part = await digestBytes(bytes);
  const stage: Stage = {
    time,
    tower: null,
    helper,
    signed,
    paths: ['/etc/opt/**'],
    blob: async (digest) => (digest === part ? ok(bytes) : refuse('blob_missing')),
  };
  return { stage, part };
}

const apply = async (target: string, helper: ActClient): Promise<unknown> => {
  const { stage, part } = await stageFor(target, helper);
  const done = await perform(stage, 'release.apply', target, { part });
  return 'refused' in done ? done.refused : done.outcome;
};

describe('release.apply on a host and on its containers', () => {
  for (const target of ['pve2', 'files']) {
    test(`is left to the helper, with the order as it was signed: ${target}`, async () => {
      const helper = helperThat();
      const { stage, part } = await stageFor(target, helper);
      const done = await perform(stage, 'release.apply', target, { part });
      assert.deepEqual(done, { outcome: { state: 'succeeded', result }, phases: ['staged'] });
      assert.deepEqual(helper.asked, [`look ${target}`, 'apply 0']);
    });
  }

  test('is judged here as well, before anything is journalled', async () => {
    const helper = helperThat();
    const { stage } = await stageFor('files', helper);
    const foreign = await digestBytes(partFor('pve2'));
    const done = await perform(
      { ...stage, blob: async () => ok(partFor('pve2')) },
      'release.apply',
      'files',
      { part: foreign },
    );
    assert.equal('refused' in done && done.refused, 'part_foreign');
    assert.deepEqual(helper.asked, ['look files']);
  });

  test('is refused before it begins where the helper cannot be asked or will not', async () => {
    assert.equal(await apply('pve2', helperThat({ look: refuse('act_missing') })), 'act_missing');
    assert.equal(await apply('files', helperThat({ look: says('guest_mismatch') })), 'guest_mismatch');
  });

  test('tells what came of it, and never more than is known', async () => {
    const failed: ActOutcome = { state: 'failed', code: 'service_failed', detail: 'web', back: true };
    const stuck: ActOutcome = { state: 'failed', code: 'service_failed', detail: 'web', back: false };
    const never: ActOutcome = { state: 'refused', code: 'path_never', detail: '/etc/shadow' };
    const cases: readonly (readonly [ActHeard<ActOutcome>, object])[] = [
      [ok(failed), { state: 'failed', code: 'service_failed', detail: 'web' }],
      [ok(stuck), { state: 'unknown', code: 'revert_failed', detail: 'service_failed: web' }],
      [ok(never), { state: 'failed', code: 'path_never', detail: '/etc/shadow' }],
      [says('release_stale'), { state: 'failed', code: 'release_stale' }],
      [refuse('act_not_permitted'), { state: 'failed', code: 'act_not_permitted' }],
      [gone, { state: 'succeeded', result }],
    ];
    for (const [heard, outcome] of cases) {
      const helper = helperThat({ apply: heard });
      assert.deepEqual(await apply('pve2', helper), outcome);
      const wasSettled = helper.asked.some((one) => one.startsWith('settle'));
      assert.equal(wasSettled, heard === gone, 'what came of it is asked where it is not known');
    }
  });

  test('threat 10: after a crash the helper is asked what came of the order, until it can say', async () => {
    const observe = async (...settle: ActHeard<ActOutcome>[]) => {
      const helper = helperThat({ settle });
      const { stage, part } = await stageFor('pve2', helper);
      const crash = { params: { part }, ordered: testDigest('9') };
      const outcome = await observeAfter(stage, 'release.apply', 'pve2', crash);
      assert.ok(helper.asked.every((one) => one === `settle pve2 ${testDigest('9')}`));
      return { outcome, asked: helper.asked.length };
    };
    assert.deepEqual(await observe(refuse('act_missing'), gone, says('act_interrupted'), ok(succeeded)), {
      outcome: { state: 'succeeded', result },
      asked: 4,
    });
    assert.deepEqual(await observe(says('order_unknown')), {
      outcome: { state: 'failed', code: 'activation_undone' },
      asked: 1,
    });
    const lost = await observe(gone);
    assert.deepEqual(lost.outcome, { state: 'unknown', code: 'act_gone' });
    assert.ok(lost.asked > 10, `${lost.asked}`);
    assert.deepEqual((await observe(says('act_state_malformed'))).outcome, {
      state: 'unknown',
      code: 'act_state_malformed',
    });
  });
});
