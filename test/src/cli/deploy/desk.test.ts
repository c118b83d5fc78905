import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { House } from '../../../../schema/trust/document.ts';
import { nextNumber, readDesk, rememberOrder } from '../../../../src/cli/deploy/desk.ts';
import { type FormerPart, generationsOf } from '../../../../src/cli/deploy/former.ts';
import { exitOf, outcomesOf } from '../../../../src/cli/deploy/outcome.ts';
import { withReceipts } from '../../../../src/cli/deploy/what-runs.ts';
import { exits } from '../../../../src/cli/outcome.ts';

const number = (desk: number, run_id = 0, run_attempt = 0) => ({ run_id, run_attempt, desk });

test('numbers rise above what was signed here and above what is offered, by no great leap', () => {
  type Number = ReturnType<typeof number>;
  const next = (last: Number | null, offered: Number, proven: Number | null = null, workflows = false) => {
    const made = nextNumber({ v: 1, last, signed: [] }, offered, { proven, workflows });
    return made.ok ? made.value : made.reason;
  };
  assert.deepEqual(next(null, number(1)), number(1));
  assert.deepEqual(next(number(4), number(5)), number(5));
  assert.deepEqual(next(number(4), number(9)), number(9));
  assert.deepEqual(next(number(4), number(4)), number(5));
  assert.deepEqual(next(number(4), number(0)), number(5));
  assert.deepEqual(next(null, number(1_000_000)), number(1_000_000));
  assert.equal(next(null, number(1_000_001)), 'release_number');
  assert.equal(next(number(4), number(5, 1)), 'release_number');
  assert.equal(next(number(4), number(5, 0, 1)), 'release_number');
  assert.deepEqual(next(number(4, 7, 1), number(2, 7, 1)), number(5, 7, 1));
  assert.deepEqual(next(number(4, 7, 1), number(9, 3)), number(5, 7, 1));

  // Above a run of a workflow that a relay has begun, and not above one that the control plane alone tells of.
  assert.deepEqual(next(number(4), number(1, 7, 1), number(0, 7, 1), true), number(1, 7, 1));
  assert.deepEqual(next(number(4), number(3, 7, 1), number(0, 7, 1), true), number(3, 7, 1));
  assert.deepEqual(next(number(4), number(1, 9, 1), number(0, 7, 1), true), number(1, 7, 1));
  assert.deepEqual(next(number(4), number(1, 9, 1), null, true), number(5));
  assert.deepEqual(next(number(4, 7, 1), number(1, 7, 2), number(0, 7, 2), true), number(1, 7, 2));
  assert.equal(next(number(4), number(1, 9, 1), number(0, 7, 1)), 'release_number');
  assert.equal(next(number(4), number(1_000_001, 7, 1), number(0, 7, 1), true), 'release_number');
});

test('the desk remembers what it signed, the newest 500', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-desk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const read = readDesk(folder);
  assert.ok(read.ok);
  let desk = read.value;
  const digest = (n: number) => `sha256:${String(n).padStart(64, '0')}`;
  for (let n = 1; n <= 501; n += 1) desk = rememberOrder(folder, desk, number(n), digest(n));
  const again = readDesk(folder);
  assert.ok(again.ok);
  assert.deepEqual(again.value, desk);
  assert.deepEqual([desk.signed.length, desk.signed[0], desk.last], [500, digest(2), number(501)]);
  writeFileSync(join(folder, 'deploys.json'), '{}', { mode: 0o600 });
  const broken = readDesk(folder);
  assert.ok(!broken.ok && broken.reason === 'config_broken');
});

const former = (state: FormerPart['state'], signed: string | null, part = 'a'): FormerPart =>
  ({
    target: 't',
    part,
    state,
    code: null,
    receipt: signed === null ? null : { state: signed, code: null },
  }) as FormerPart;

test('an end is what a relay signed; before that, what the control plane says of what is under way', () => {
  const of = (...[state, signed]: Parameters<typeof former>) => {
    const { outcomes, unproven } = outcomesOf([former(state, signed)]);
    return [outcomes[0]!.end, unproven.length === 0];
  };
  assert.deepEqual(of('healthy', 'succeeded'), ['healthy', true]);
  assert.deepEqual(of('activated', 'succeeded'), ['healthy', true]);
  assert.deepEqual(of('rolled-back', 'failed'), ['rolled-back', true]);
  assert.deepEqual(of('failed', 'refused'), ['refused', true]);
  assert.deepEqual(of('failed', 'unknown'), ['unknown', true]);
  assert.deepEqual(of('failed', null), ['unknown', true]);
  assert.deepEqual(of('superseded', null), ['superseded', true]);
  assert.deepEqual(of('pending', null), ['pending', true]);
  assert.deepEqual(of('healthy', null), ['unknown', false]);
  assert.deepEqual(of('rolled-back', null), ['unknown', false]);
  assert.deepEqual(of('healthy', 'failed'), ['rolled-back', false]);
  assert.deepEqual(of('failed', 'succeeded'), ['healthy', false]);
  assert.deepEqual(of('superseded', 'succeeded'), ['healthy', false]);
});

test('of several targets a script hears of the worst', () => {
  const exit = (...states: [FormerPart['state'], string | null][]) =>
    exitOf(outcomesOf(states.map(([state, signed]) => former(state, signed))).outcomes);
  assert.equal(exit(['healthy', 'succeeded']), exits.ok);
  assert.equal(exit(['healthy', 'succeeded'], ['pending', null]), exits.unconfirmed);
  assert.equal(exit(['pending', null], ['failed', 'refused']), exits.refused);
  assert.equal(exit(['failed', 'refused'], ['rolled-back', 'failed'], ['pending', null]), exits.failed);
  assert.equal(exit(['superseded', null]), exits.failed);
});

test('generations are parts that came into force, each once, the newest first', () => {
  const parts = [
    former('rolled-back', 'failed', 'd'),
    former('healthy', 'succeeded', 'a'),
    former('healthy', null, 'x'),
    former('healthy', 'succeeded', 'b'),
    former('healthy', 'succeeded', 'a'),
    former('healthy', 'succeeded', 'c'),
  ];
  assert.deepEqual(
    generationsOf(parts).map(({ part }) => part),
    ['a', 'b', 'c'],
  );
});

/** What is proven by a receipt of a target that began, or refused, an order of a number. */
const provenBy = (
  target: string,
  order: ReturnType<typeof number>,
  signed = 'started',
  code: string | null = null,
) => {
  const part = { view: { order: { order } }, target, part: 'a', receipt: { state: signed, code, time: 1 } };
  const sights = { targets: new Map(), next: number(1), proven: null, workflows: true };
  const house = { hosts: { cloud: {} }, guests: { web: { kind: 'qemu' }, dns: { kind: 'lxc' } } };
  return withReceipts(sights, [part as unknown as FormerPart], house as unknown as House).proven;
};

test('a number counts as proven that a relay began, or that a limit alone kept back there', () => {
  const run = number(0, 7, 1);
  assert.deepEqual(provenBy('web', run, 'failed', 'activation_failed'), run);
  assert.deepEqual(provenBy('web', run, 'refused', 'limit_reached'), run);
  assert.equal(provenBy('web', run, 'refused', 'not_granted'), null);
});

test('threat 3: the relay beside a taken control plane proves no run, and none a number after which nothing follows', () => {
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(provenBy('cloud', number(0, most, most)), null);
  assert.equal(provenBy('dns', number(0, 7, 1)), null);
  assert.equal(provenBy('cloud', number(most)), null);
  assert.equal(provenBy('web', number(most, 7, 1)), null);
  assert.deepEqual(provenBy('cloud', number(5)), number(5));
});
