import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type JudgeContext, verifyEnvelope } from '../../../relay/agent/verify-job.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { Job } from '../../../schema/wire/job.ts';
import { clockSkewMs, jobLifetimeMs, maxJobBytes } from '../../../schema/wire/limits.ts';
import { makeTestHome, type TestIntent, testNonce } from '../../support/relay-home.ts';
import { type Bench, nowMs, openBench } from './judge-fixture.ts';

let bench: Bench;
let intent: TestIntent;

before(async () => {
  bench = await openBench();
  intent = await bench.home.intent([{}], { issuedAt: nowMs });
});

async function judge(more: Partial<Job> = {}, changes: Partial<JudgeContext> = {}, seen = 0) {
  return verifyEnvelope(bench.context(changes), await bench.sign(bench.job(intent, more)), seen);
}

async function assertRefused(expected: object, ...args: Parameters<typeof judge>): Promise<void> {
  assert.deepEqual(await judge(...args), { ok: false, ...expected });
}

describe('the envelope of a job', () => {
  test('gives the job that the controller signed', async () => {
    assert.deepEqual(await judge(), { ok: true, value: bench.job(intent) });
  });

  test('threat 2: a relay that trust does not name with this very key obeys nobody', async () => {
    const expected = { reason: 'not_admitted', detail: 'trust does not name this relay with its key' };
    const stranger = (await generateKey()).signing.kid;
    const { pve1, pve2 } = bench.home.relays;
    await assertRefused(expected, {}, { kid: stranger });
    await assertRefused(expected, {}, { kid: pve1!.signing.kid });
    await assertRefused(expected, {}, { kid: bench.home.operator.kid });
    await assertRefused(expected, { relay: 'nas' }, { relay: 'nas' });
    await assertRefused(expected, { relay: 'nas' }, { relay: 'nas', kid: stranger });
    await assertRefused(expected, { relay: 'pve1' }, { relay: 'pve1', kid: pve2!.signing.kid });
    // An identity that is no relay cannot be one by having its name and key.
    await assertRefused(expected, { relay: 'operator' }, { relay: 'operator', kid: bench.home.operator.kid });
  });

  test('threat 1: only the controller signs jobs', async () => {
    const { home } = bench;
    const strangers = [home.operator, home.root, home.relays.pve1!.signing, (await generateKey()).signing];
    for (const by of strangers) {
      const text = await bench.sign(bench.job(intent), by);
      assert.deepEqual(await verifyEnvelope(bench.context(), text, 0), {
        ok: false,
        reason: 'jws_key_unknown',
      });
    }
  });

  test('threat 7: one byte over the limit is not read', async () => {
    const text = 'a'.repeat(maxJobBytes);
    const at = await verifyEnvelope(bench.context(), text, 0);
    assert.equal(at.ok ? '' : at.reason, 'jws_malformed');
    const over = await verifyEnvelope(bench.context(), `${text}a`, 0);
    assert.equal(over.ok ? '' : over.reason, 'jws_too_large');
  });

  test('threat 22: members that are missing, of another shape or not known refuse it', async () => {
    const { step: _, ...short } = bench.job(intent);
    for (const payload of [short, { ...bench.job(intent), force: true }, { ...bench.job(intent), seq: 0 }]) {
      const judged = await verifyEnvelope(bench.context(), await bench.sign(payload), 0);
      assert.equal(judged.ok ? '' : judged.reason, 'jws_payload');
    }
  });

  test('threat 8: a job of another home, another relay or another run is refused', async () => {
    const other = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
    await assertRefused({ reason: 'job_home' }, { home: other.id });
    await assertRefused({ reason: 'job_relay' }, { relay: 'pve1' });
    await assertRefused({ reason: 'job_session' }, { session: testNonce() });
  });

  test('threat 4: a number counts once, and none below it any more', async () => {
    assert.equal((await judge({ seq: 8 }, {}, 7)).ok, true);
    await assertRefused({ reason: 'job_replayed', detail: 'number 7, seen 7' }, { seq: 7 }, {}, 7);
    await assertRefused({ reason: 'job_replayed', detail: 'number 6, seen 7' }, { seq: 6 }, {}, 7);
  });

  test('threat 12: it is on its way for no longer than a job may be, to the millisecond', async () => {
    const longest = nowMs + jobLifetimeMs + clockSkewMs;
    assert.equal((await judge({ exp: nowMs + 1 })).ok, true);
    assert.equal((await judge({ exp: longest })).ok, true);
    for (const exp of [nowMs - 1, nowMs, longest + 1])
      await assertRefused({ reason: 'job_expired' }, { exp });
  });
});
