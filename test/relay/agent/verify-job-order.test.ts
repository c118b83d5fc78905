import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { JournalState } from '../../../relay/agent/journal-state.ts';
import { type JudgeContext, judgeAgain, judgeJob } from '../../../relay/agent/verify-job.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { Step } from '../../../schema/wire/intent.ts';
import type { Job } from '../../../schema/wire/job.ts';
import { clockSkewMs, maxAuthorisationBytes, maxIntentBytes } from '../../../schema/wire/limits.ts';
import { makeTestHome, type TestIntent } from '../../support/relay-home.ts';
import { allowedOrder, type Bench, nowMs, openBench, wordOf } from './judge-fixture.ts';

let bench: Bench;
let intent: TestIntent;

before(async () => {
  bench = await openBench();
  intent = await bench.home.intent([{}], { issuedAt: nowMs });
});

const judge = (
  more: Partial<Job> = {},
  changes: Partial<JudgeContext> = {},
  journal?: Partial<JournalState>,
) => judgeJob(bench.context(changes, journal), bench.job(intent, more));

const order = async (steps: readonly Partial<Step>[], more: Partial<Job> = {}, by?: SigningKey) => {
  const made = await bench.home.intent(steps, { issuedAt: nowMs, ...(by !== undefined && { by }) });
  return judgeJob(bench.context(), bench.job(made, more));
};

describe('what a job carries', () => {
  test('an order that an authority signed and trust grants is allowed, with all that was verified', async () => {
    const job = bench.job(intent);
    assert.deepEqual(await judgeJob(bench.context(), job), {
      kind: 'allowed',
      order: {
        kind: 'intent',
        job,
        intent: intent.intent,
        digest: intent.digest,
        step: intent.intent.steps[0],
        key: `${intent.digest}/0`,
        identity: 'operator',
        trust: bench.home.trust(),
      },
    });
  });

  test('the step that the job names is the one that is judged', async () => {
    const two = await bench.home.intent([{}, { action: 'guest.stop', target: 'devtop' }], {
      issuedAt: nowMs,
    });
    const second = await allowedOrder(bench.context(), bench.job(two, { step: 1 }));
    assert.equal(second.step.target, 'devtop');
    assert.equal(second.key, `${two.digest}/1`);
    const third = await judgeJob(bench.context(), bench.job(two, { step: 2 }));
    assert.deepEqual(third, { kind: 'dropped', reason: 'step_unknown' });
  });

  test('threat 8: a step of another relay is left to that relay', async () => {
    const verdict = await order([{ relay: 'pve1', action: 'host.wake', target: 'pve2' }]);
    assert.deepEqual(verdict, { kind: 'dropped', reason: 'step_not_ours' });
  });

  test('threat 3: a state that is an older copy of itself runs nothing', async () => {
    assert.deepEqual(await judge({}, {}, { restored: true }), { kind: 'dropped', reason: 'state_restored' });
  });

  test('threat 12: a clock may be behind what was journalled by the skew and no more', async () => {
    const latest = nowMs + clockSkewMs;
    assert.equal((await judge({}, {}, { time: latest })).kind, 'allowed');
    assert.deepEqual(await judge({}, {}, { time: latest + 1 }), {
      kind: 'dropped',
      reason: 'clock_behind',
      detail: `journalled ${latest + 1}, now ${nowMs}`,
    });
  });

  test('threat 2: from the millisecond of its expiry on, trust allows no job', async () => {
    const home = await makeTestHome({
      origins: [{ url: 'https://writ.example.net' }],
      expires: new Date(nowMs + 1000).toISOString().replace('.000Z', 'Z'),
    });
    const own = await openBench(home);
    const job = own.job(await home.intent([{}], { issuedAt: nowMs }));
    assert.equal((await judgeJob(own.context({ now: nowMs + 999 }), job)).kind, 'allowed');
    assert.deepEqual(await judgeJob(own.context({ now: nowMs + 1000 }), job), {
      kind: 'dropped',
      reason: 'trust_expired',
    });
  });

  test('threat 10: the bytes of an intent have one text', async () => {
    const { intent: text } = bench.job(intent);
    for (const other of [`${text}=`, `${text} `, 'a', '!']) {
      assert.deepEqual(await judge({ intent: other }), {
        kind: 'dropped',
        reason: 'intent_malformed',
        detail: 'not canonical base64url',
      });
    }
  });

  test('threat 1: an authorisation by nobody, by a relay or by a root is none', async () => {
    const { home } = bench;
    for (const by of [home.relays.pve2!.signing, home.root, (await generateKey()).signing]) {
      assert.deepEqual(await order([{}], {}, by), {
        kind: 'dropped',
        reason: 'authorisation_invalid',
        detail: 'jws_key_unknown',
      });
    }
    const claim = { home: home.id, kind: 'intent', digest: intent.digest };
    const cases: readonly (readonly [string, string])[] = [
      [await signJws('job', claim, home.operator), 'jws_header'],
      [await signJws('intent', { ...claim, kind: 'release' }, home.operator), 'jws_payload'],
      [await signJws('intent', { ...claim, also: 1 }, home.operator), 'jws_payload'],
      ['a'.repeat(maxAuthorisationBytes), 'jws_malformed'],
      ['a'.repeat(maxAuthorisationBytes + 1), 'jws_too_large'],
    ];
    for (const [authorisation, detail] of cases) {
      assert.deepEqual(await judge({ authorisation }), {
        kind: 'dropped',
        reason: 'authorisation_invalid',
        detail,
      });
    }
  });

  test('threat 6: an authorisation is for one home and for the very bytes', async () => {
    const other = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    const { operator } = bench.home;
    const abroad = await signJws(
      'intent',
      { home: other.id, kind: 'intent', digest: intent.digest },
      operator,
    );
    assert.deepEqual(await judge({ authorisation: abroad }), {
      kind: 'dropped',
      reason: 'authorisation_home',
    });
    const twin = await bench.home.intent([{}], { issuedAt: nowMs });
    assert.deepEqual(await judge({ authorisation: twin.authorisation }), {
      kind: 'dropped',
      reason: 'authorisation_digest',
    });
  });

  test('threat 18: what was signed must be an intent, and of this home', async () => {
    const authorised = async (bytes: Uint8Array<ArrayBuffer>) => {
      const digest = await digestOf('intent', bytes);
      const claim = { home: bench.home.id, kind: 'intent', digest };
      const authorisation = await signJws('intent', claim, bench.home.operator);
      return judgeJob(bench.context(), bench.job({ ...intent, bytes, digest, authorisation }));
    };
    const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    assert.equal((await authorised(encode(intent.intent))).kind, 'allowed');
    const abroad = { ...intent.intent, home: 'h_01JDZ0000000000000000000XX' };
    assert.deepEqual(await authorised(encode(abroad)), { kind: 'dropped', reason: 'intent_home' });
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [{ ...intent.intent, steps: [] }, /^steps/],
      [{ ...intent.intent, expires: nowMs }, /^the lifetime is not between 0 and 12 hours$/],
      ['x'.repeat(maxIntentBytes), /^more than 65536 bytes$/],
    ];
    for (const [value, detail] of cases) {
      const verdict = await authorised(encode(value));
      assert.equal(wordOf(verdict), 'intent_malformed');
      assert.match('detail' in verdict ? (verdict.detail ?? '') : '', detail);
    }
  });

  test('threat 4: a consumed step stays consumed, whatever trust says of it now', async () => {
    const entry = {
      k: 'step' as const,
      intent: intent.digest,
      step: 0,
      expires: intent.intent.expires,
      phase: 'ended' as const,
      action: 'guest.start',
      target: 'gaming',
      params: null,
      at: nowMs,
      boot: 'boot-1',
      receipts: [1],
    };
    const steps = new Map([[`${intent.digest}/0`, entry]]);
    const allowed = await allowedOrder(bench.context(), bench.job(intent));
    assert.deepEqual(await judge({}, {}, { steps }), { kind: 'consumed', order: allowed });
    const others = new Map([[`${intent.digest}/1`, entry]]);
    assert.equal((await judge({}, {}, { steps: others })).kind, 'allowed');
    const stranger = await bench.home.intent([{ action: 'guest.reboot' }], {
      by: bench.home.controller,
      issuedAt: nowMs,
    });
    const again = new Map([[`${stranger.digest}/0`, entry]]);
    const verdict = await judgeJob(bench.context({}, { steps: again }), bench.job(stranger));
    assert.equal(verdict.kind, 'consumed');
  });
});

describe('how long an order lives', () => {
  const lifetime = (journal: Partial<JournalState>, now = nowMs) =>
    judge({ exp: now + 1 }, { now }, journal).then(wordOf);

  test('threat 12: it may be issued in the future by the skew of two clocks', async () => {
    assert.equal(await lifetime({}, nowMs - clockSkewMs), 'allowed');
    assert.equal(await lifetime({}, nowMs - clockSkewMs - 1), 'intent_not_yet');
  });

  test('threat 4: it ends at the millisecond of its expiry, and when one that expires later is forgotten', async () => {
    const { expires } = intent.intent;
    assert.equal(await lifetime({}, expires - 1), 'allowed');
    assert.equal(await lifetime({}, expires), 'intent_expired');
    assert.equal(await lifetime({ forgotten: expires - 1 }), 'allowed');
    assert.equal(await lifetime({ forgotten: expires }), 'intent_expired');
  });

  test('threat 4: what was issued before this relay was enrolled is not for it', async () => {
    assert.equal(await lifetime({ notBefore: nowMs }), 'allowed');
    assert.equal(await lifetime({ notBefore: nowMs + 1 }), 'intent_before_enrolment');
  });
});

describe('what trust allows of an order', () => {
  test('threat 17: an order that is not granted is denied for good, with the reason', async () => {
    const made = await bench.home.intent([{ action: 'guest.stop' }], {
      issuedAt: nowMs,
      by: bench.home.controller,
    });
    const verdict = await judgeJob(bench.context(), bench.job(made));
    assert.equal(verdict.kind, 'denied');
    assert.ok(verdict.kind === 'denied');
    assert.equal(verdict.reason, 'not_granted');
    assert.equal(verdict.detail, 'controller may not order guest.stop on gaming');
    assert.equal(verdict.order.identity, 'controller');
    assert.equal(verdict.order.key, `${made.digest}/0`);
  });

  test('threat 6: the whole intent is judged, also what other steps order', async () => {
    const { controller } = bench.home;
    const steps = [{}, { action: 'guest.stop' }];
    assert.equal(wordOf(await order(steps, {}, controller)), 'not_granted');
    assert.equal(wordOf(await order([{}], {}, controller)), 'allowed');
  });

  test('threat 9: a step that comes after another needs its receipt', async () => {
    const steps: Partial<Step>[] = [
      { relay: 'pve1', action: 'host.wake', target: 'pve2' },
      { after: [{ step: 0, if: 'succeeded' }] },
    ];
    const made = await bench.home.intent(steps, { issuedAt: nowMs });
    const without = await judgeJob(bench.context(), bench.job(made, { step: 1 }));
    assert.ok(without.kind === 'denied');
    assert.equal(without.reason, 'after_unmet');
    assert.equal(without.detail, 'no fitting receipt of step 0');
    const receipts = [await bench.receipt(made, 0)];
    const shown = await judgeJob(bench.context(), bench.job(made, { step: 1, receipts }));
    assert.equal(wordOf(shown), 'allowed');
  });

  test('threat 26: a limit that is reached denies', async () => {
    const home = await makeTestHome({
      origins: [{ url: 'https://writ.example.net' }],
      controllerMay: [{ action: 'guest.start', on: ['gaming'], limit: '2/1h' }],
    });
    const own = await openBench(home);
    const made = await home.intent([{}], { issuedAt: nowMs, by: home.controller });
    const start = (lived: number) => ({
      k: 'start' as const,
      identity: 'controller',
      action: 'guest.start',
      target: 'gaming',
      lived,
      window: 3_600_000,
    });
    const starts = [start(0), start(1000)];
    const at = (livedMs: number) => own.context({ livedMs }, { starts });
    const job = own.job(made);
    assert.equal(wordOf(await judgeJob(at(3_600_000), job)), 'allowed');
    const full = await judgeJob(at(3_599_999), job);
    assert.ok(full.kind === 'denied');
    assert.equal(full.reason, 'limit_reached');
    assert.equal('detail' in full, false);
    const allowed = await allowedOrder(at(3_600_000), job);
    assert.equal(judgeAgain(at(3_600_000), allowed).kind, 'allowed');
    const again = judgeAgain(at(3_599_999), allowed);
    assert.ok(again.kind === 'denied');
    assert.equal(again.reason, 'limit_reached');
  });
});

describe('judging once more before it is journalled', () => {
  const again = async (changes: Partial<JudgeContext>, journal?: Partial<JournalState>) => {
    const allowed = await allowedOrder(bench.context(), bench.job(intent));
    return judgeAgain(bench.context(changes, journal), allowed);
  };

  test('allows what still holds', async () => {
    const allowed = await allowedOrder(bench.context(), bench.job(intent));
    assert.deepEqual(judgeAgain(bench.context(), allowed), { kind: 'allowed', order: allowed });
  });

  test('threat 5: is done under the document that the signatures were verified with, or not at all', async () => {
    const trust = { ...bench.home.trust() };
    await assert.rejects(again({ trust }), /the signatures were verified with another trust document/);
  });

  test('threat 12: drops what the time that passed has ended', async () => {
    const { exp } = bench.job(intent);
    assert.equal(wordOf(await again({ now: exp - 1 })), 'allowed');
    assert.deepEqual(await again({ now: exp }), { kind: 'dropped', reason: 'job_expired' });
    assert.deepEqual(await again({}, { restored: true }), { kind: 'dropped', reason: 'state_restored' });
    assert.equal(wordOf(await again({}, { time: nowMs + clockSkewMs + 1 })), 'clock_behind');
    assert.equal(wordOf(await again({}, { forgotten: intent.intent.expires })), 'intent_expired');
    const of = await allowedOrder(bench.context(), bench.job(intent));
    const entry = { k: 'step' } as never;
    const steps = new Map([[`${intent.digest}/0`, entry]]);
    assert.deepEqual(await again({}, { steps }), { kind: 'consumed', order: of });
  });

  test('threat 17: judges the whole intent by trust once more', async () => {
    const allowed = await allowedOrder(bench.context(), bench.job(intent));
    const verdict = judgeAgain(bench.context(), { ...allowed, identity: 'controller' });
    assert.equal(wordOf(verdict), 'allowed');
    const other = { ...allowed, identity: 'pve1' };
    const refused = judgeAgain(bench.context(), other);
    assert.deepEqual(refused, {
      kind: 'denied',
      order: other,
      reason: 'not_granted',
      detail: 'pve1 may not order guest.start on gaming',
    });
  });
});
