import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Order } from '../../../schema/api/orders.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import type { Step } from '../../../schema/wire/intent.ts';
import { checkPlan } from '../../../src/cli/check-plan.ts';
import { type Fixture, makeFixture, now, planOf, step } from './home-fixture.ts';

let home: Fixture;
before(async () => {
  home = await makeFixture();
});

const startGaming: Order = { action: 'guest.start', target: 'gaming', params: {} };
const wake = step('pve1', 'host.wake', 'pve2');
const rival = step('pve2', 'guest.shutdown', 'devtop', { after: [{ step: 0, if: 'succeeded' }] });
const start = step('pve2', 'guest.start', 'gaming', { after: [{ step: 1, if: 'succeeded' }] });

test('a plan that wakes the host and shuts the rival down is signed, the rival once it is agreed to', async () => {
  const plan = await planOf([wake, rival, start]);
  const checked = await checkPlan(home.trust, startGaming, plan, now);
  assert.ok(checked.ok, checked.ok ? '' : checked.detail);
  assert.equal(checked.value.digest, plan.digest);
  assert.deepEqual(
    checked.value.toConfirm.map(({ target }) => target),
    ['devtop'],
  );
});

test('a plan with the ordered step alone needs no agreement', async () => {
  const checked = await checkPlan(home.trust, startGaming, await planOf([{ ...start, after: [] }]), now);
  assert.ok(checked.ok);
  assert.deepEqual(checked.value.toConfirm, []);
});

test('of a runbook every step is to be agreed to', async () => {
  const plan = await planOf([wake, rival, start]);
  const checked = await checkPlan(home.trust, { runbook: 'start-gaming' }, plan, now);
  assert.ok(checked.ok);
  assert.equal(checked.value.toConfirm.length, 3);
});

/** What a taken control plane might have signed under the name of a harmless order. */
const smuggled: { name: string; steps: Step[]; reason: string; says?: RegExp }[] = [
  {
    name: 'a power cut',
    steps: [{ ...start, after: [] }, step('pve1', 'guest.stop', 'router')],
    reason: 'plan_exceeds_order',
    says: /stop router/,
  },
  {
    name: 'the shutdown of a guest that is no rival',
    steps: [step('pve2', 'guest.shutdown', 'websvcs'), { ...start, after: [] }],
    reason: 'plan_exceeds_order',
  },
  {
    name: 'the rival’s shutdown although it is in use',
    steps: [step('pve2', 'guest.shutdown-in-use', 'devtop'), { ...start, after: [] }],
    reason: 'plan_exceeds_order',
  },
  {
    name: 'the rival’s shutdown with parameters',
    steps: [step('pve2', 'guest.shutdown', 'devtop', { params: { timeout_s: 10 } }), { ...start, after: [] }],
    reason: 'plan_exceeds_order',
  },
  {
    name: 'the ordered step twice',
    steps: [
      { ...start, after: [] },
      { ...start, after: [] },
    ],
    reason: 'plan_exceeds_order',
  },
  { name: 'only the wake', steps: [wake], reason: 'plan_exceeds_order' },
  {
    name: 'another target',
    steps: [step('pve2', 'guest.start', 'devtop')],
    reason: 'plan_exceeds_order',
  },
  {
    name: 'the ordered step before the rival’s shutdown',
    steps: [{ ...start, after: [] }, step('pve2', 'guest.shutdown', 'devtop')],
    reason: 'plan_exceeds_order',
    says: /would not wait/,
  },
  {
    name: 'the ordered step although the rival’s shutdown failed',
    steps: [step('pve2', 'guest.shutdown', 'devtop'), { ...start, after: [{ step: 0, if: 'ended' }] }],
    reason: 'plan_exceeds_order',
  },
  {
    name: 'a step that another relay would do',
    steps: [step('cloud', 'guest.start', 'gaming')],
    reason: 'plan_not_granted',
  },
  {
    name: 'an action that does not exist',
    steps: [step('pve2', 'guest.wipe', 'gaming')],
    reason: 'plan_not_granted',
  },
];

for (const { name, steps, reason, says } of smuggled) {
  test(`a plan with what the order does not imply is not signed: ${name}`, async () => {
    const checked = await checkPlan(home.trust, startGaming, await planOf(steps), now);
    assert.ok(!checked.ok);
    assert.equal(checked.reason, reason, checked.detail);
    if (says !== undefined) assert.match(checked.detail ?? '', says);
  });
}

test('parameters of the ordered step must be the ordered ones', async () => {
  const order: Order = { action: 'guest.shutdown', target: 'gaming', params: { timeout_s: 60 } };
  const with_ = (params: Step['params']) => planOf([step('pve2', 'guest.shutdown', 'gaming', { params })]);
  assert.ok((await checkPlan(home.trust, order, await with_({ timeout_s: 60 }), now)).ok);
  assert.ok(!(await checkPlan(home.trust, order, await with_({ timeout_s: 600 }), now)).ok);
  assert.ok(!(await checkPlan(home.trust, order, await with_({}), now)).ok);
});

test('a shutdown brings no wake and no rival with it', async () => {
  const order: Order = { action: 'guest.shutdown', target: 'gaming', params: {} };
  const main = step('pve2', 'guest.shutdown', 'gaming');
  const rivals = await planOf([step('pve2', 'guest.shutdown', 'devtop'), main]);
  assert.ok(!(await checkPlan(home.trust, order, rivals, now)).ok);
});

test('bytes of another digest, home or time are not signed', async () => {
  const alone = [{ ...start, after: [] }];
  const plan = await planOf(alone);
  const other = await planOf(alone, { nonce: 'BBBBBBBBBBBBBBBBBBBBBB' });
  const cases: [{ intent: string; digest: string }, string][] = [
    [{ intent: plan.intent, digest: other.digest }, 'plan_digest'],
    [{ intent: `${plan.intent}=`, digest: plan.digest }, 'plan_malformed'],
    [await planOf(alone, { home: 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' }), 'plan_malformed'],
    [await planOf(alone, { issued_at: now - 20, expires: now - 10 }), 'plan_malformed'],
    [await planOf(alone, { issued_at: now + 60_000, expires: now + 120_000 }), 'plan_malformed'],
    [await planOf(alone, { expires: now + 11 * 60 * 60_000 }), 'plan_malformed'],
  ];
  for (const [bad, reason] of cases) {
    const checked = await checkPlan(home.trust, startGaming, bad, now);
    assert.ok(!checked.ok);
    assert.equal(checked.reason, reason);
  }
});

test('threat 11: a second computer signs no plan beyond what trust grants its own key', async () => {
  const { jwk } = (await generateKey()).signing;
  const identities: TrustDocument['identities'] = {
    ...home.trust.document.identities,
    laptop: { kind: 'key', jwk, may: [{ action: 'guest.start', on: ['gaming'] }] },
  };
  const trust = { ...home.trust, document: { ...home.trust.document, identities } };
  const alone = await planOf([{ ...start, after: [] }]);
  assert.ok((await checkPlan(trust, startGaming, alone, now, null, 'laptop')).ok);
  const more = await checkPlan(trust, startGaming, await planOf([wake, rival, start]), now, null, 'laptop');
  assert.deepEqual(
    [more.ok, more.ok ? '' : more.reason, more.ok ? '' : more.detail],
    [false, 'plan_not_granted', 'laptop may not order host.wake on pve2'],
  );
});
