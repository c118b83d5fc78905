import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { JournalState } from '../../../relay/agent/journal-state.ts';
import { type JudgeContext, judgeAgain } from '../../../relay/agent/verify-job.ts';
import { clockSkewMs } from '../../../schema/wire/limits.ts';
import { type TestRelease, testDigest } from '../../support/relay-home.ts';
import { allowedOrder, nowMs, wordOf } from './judge-fixture.ts';
import { openReleaseBench, type ReleaseBench } from './release-bench.ts';

let bench: ReleaseBench['bench'];
let release: ReleaseBench['release'];
let judge: ReleaseBench['judge'];
let write: ReleaseBench['write'];

before(async () => {
  ({ bench, release, judge, write } = await openReleaseBench());
});

const floorAt = (desk: number, digest: string, target = 'websvcs') => ({
  orders: new Map([
    [target, { k: 'order' as const, target, order: { run_id: 0, run_attempt: 0, desk }, digest }],
  ]),
});

const startOfDevtop: JournalState['starts'][number] = {
  ...{ k: 'start', identity: 'operator', action: 'release.apply', target: 'devtop' },
  ...{ lived: 0, window: 0 },
};

describe('releases one after the other', () => {
  test('threat 3: on its target an order is followed only above all that came before', async () => {
    const of = (order: Partial<TestRelease['order']['order']>) => write([{}], { order });
    const word = async (signed: TestRelease, highest: TestRelease) =>
      wordOf(
        await judge(
          signed,
          {},
          {},
          {
            orders: new Map([
              [
                'websvcs',
                { k: 'order', target: 'websvcs', order: highest.order.order, digest: highest.digest },
              ],
            ]),
          },
        ),
      );
    const run = await of({ run_id: 7, run_attempt: 2, desk: 3 });
    for (const [order, expected] of [
      [{ run_id: 7, run_attempt: 2, desk: 4 }, 'allowed'],
      [{ run_id: 7, run_attempt: 3, desk: 0 }, 'allowed'],
      [{ run_id: 8, run_attempt: 0, desk: 0 }, 'allowed'],
      [{ run_id: 7, run_attempt: 2, desk: 2 }, 'release_stale'],
      [{ run_id: 7, run_attempt: 1, desk: 9 }, 'release_stale'],
      [{ run_id: 6, run_attempt: 9, desk: 9 }, 'release_stale'],
    ] as const) {
      assert.equal(await word(await of(order), run), expected, JSON.stringify(order));
    }
    // The same run with other bytes, such as a re-run of an old workflow makes them.
    const twin = await write([{ digest: testDigest('b') }], { order: run.order.order });
    assert.equal(await word(twin, run), 'release_stale');
    assert.equal(await word(run, run), 'consumed');
    // Another target of the same relay has an order of its own.
    const other = await write([{ target: 'files' }], { order: { desk: 1 } });
    assert.equal(await word(other, run), 'allowed');
  });

  test('threat 10: a part that was consumed is answered as such, its step known or forgotten', async () => {
    const steps = new Map([[`${release.digest}/0`, {} as never]]);
    assert.equal(wordOf(await judge(release, {}, {}, { steps })), 'consumed');
    assert.equal(wordOf(await judge(release, {}, {}, floorAt(5, release.digest))), 'consumed');
    // The floor of another target says nothing of this one.
    assert.equal(wordOf(await judge(release, {}, {}, floorAt(5, release.digest, 'files'))), 'allowed');
    const consumed = await judge(release, {}, {}, { ...floorAt(5, release.digest), forgottenOrders: nowMs });
    assert.equal(wordOf(consumed), 'consumed');
  });

  test('threat 4: what was refused and forgotten stays away, and what was signed later does not', async () => {
    assert.equal(wordOf(await judge(release, {}, {}, { forgottenOrders: nowMs })), 'release_forgotten');
    assert.equal(wordOf(await judge(release, {}, {}, { forgottenOrders: nowMs - 1 })), 'allowed');
  });

  test('threat 3: nothing older than the enrolment is followed; otherwise a release does not expire', async () => {
    assert.equal(wordOf(await judge(release, {}, {}, { notBefore: nowMs })), 'allowed');
    assert.equal(wordOf(await judge(release, {}, {}, { notBefore: nowMs + 1 })), 'intent_before_enrolment');
    const yearMs = 365 * 86_400_000;
    assert.equal(wordOf(await judge(release, {}, { now: nowMs + yearMs })), 'allowed');
    // Intents that expired meanwhile were forgotten: that is no word on releases.
    assert.equal(wordOf(await judge(release, {}, {}, { forgotten: nowMs + yearMs })), 'allowed');
    const ahead = await write([{}], { issuedAt: nowMs + clockSkewMs });
    assert.equal(wordOf(await judge(ahead)), 'allowed');
    const farAhead = await write([{}], { issuedAt: nowMs + clockSkewMs + 1 });
    assert.equal(wordOf(await judge(farAhead)), 'intent_not_yet');
  });

  test('threat 12: at a wrong time, under expired trust or from a restored state nothing is followed', async () => {
    assert.equal(wordOf(await judge(release, {}, {}, { time: nowMs + clockSkewMs + 1 })), 'clock_behind');
    assert.equal(wordOf(await judge(release, {}, {}, { restored: true })), 'state_restored');
    const late = Date.parse(bench.home.trust().document.expires);
    assert.equal(wordOf(await judge(release, {}, { now: late })), 'trust_expired');
  });

  test('the limit of a grant counts releases, too', async () => {
    const devtop = await write([{ target: 'devtop' }]);
    const starts = { starts: [startOfDevtop] };
    assert.partialDeepStrictEqual(await judge(devtop), { kind: 'allowed', order: { paths: [] } });
    assert.equal(wordOf(await judge(devtop, {}, { livedMs: 3_599_999 }, starts)), 'limit_reached');
    assert.equal(wordOf(await judge(devtop, {}, { livedMs: 3_600_000 }, starts)), 'allowed');
  });

  test('threat 5: right before it begins, an order is judged once more', async () => {
    const order = await allowedOrder(bench.context(), bench.job(release));
    assert.equal(order.kind, 'release');
    const again = (changes: Partial<JudgeContext> = {}, journal: Partial<JournalState> = {}) =>
      wordOf(judgeAgain(bench.context(changes, journal), order));
    assert.equal(again(), 'allowed');
    assert.deepEqual(judgeAgain(bench.context(), order), { kind: 'allowed', order });
    assert.equal(again({}, floorAt(6, testDigest('f'))), 'release_stale');
    assert.equal(again({}, floorAt(5, release.digest)), 'consumed');
    assert.equal(again({}, { notBefore: nowMs + 1 }), 'intent_before_enrolment');
    assert.equal(again({ now: order.job.exp }), 'job_expired');
    assert.equal(again({}, { restored: true }), 'state_restored');
    const devtop = await allowedOrder(bench.context(), bench.job(await write([{ target: 'devtop' }])));
    const full = bench.context({}, { starts: [startOfDevtop] });
    assert.equal(wordOf(judgeAgain(full, devtop)), 'limit_reached');
  });
});
