import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from './run.ts';
import { exitCodeOf, isGood } from './run.ts';
import { lineOf, painter, summaryOf } from './tell.ts';

const outcome = (more: Partial<Outcome>): Outcome => ({
  ...{ name: 'x', threat: 1, about: '', must: null, result: 'refused', codes: [], why: [], ms: 1 },
  ...more,
});
const executed = outcome({ must: 'execute', result: 'executed' });
const broken = outcome({ must: 'win', result: 'won', why: ['a breach'] });
const plain = painter({ isTTY: false }, {});

test('only an attack that won, or a control that did not come out, is bad', () => {
  for (const result of ['refused', 'nothing', 'executed'] as const) assert.ok(isGood(outcome({ result })));
  for (const result of ['won', 'failed'] as const) assert.ok(!isGood(outcome({ result })));
  assert.ok(isGood(outcome({ must: 'refuse' })) && !isGood(outcome({ must: 'refuse', result: 'won' })));
  assert.ok(isGood(executed) && isGood(broken));
  assert.ok(!isGood(outcome({ must: 'execute', result: 'refused' })));
  assert.ok(!isGood(outcome({ must: 'win', result: 'failed' })));
  assert.equal(exitCodeOf([executed, outcome({}), broken]), 0);
  assert.equal(exitCodeOf([executed, outcome({ result: 'won' }), broken]), 1);
  assert.equal(exitCodeOf([executed, outcome({ result: 'failed' }), broken]), 3);
  // A home that cannot be won when it is broken says nothing of one that is not.
  assert.equal(exitCodeOf([executed, outcome({ must: 'win', result: 'failed' })]), 3);
});

test('a line says how an attack was refused or won, and is painted for a terminal alone', () => {
  const refused = outcome({ codes: ['not_granted'] });
  assert.match(lineOf(refused, '[1/2]', plain), /^\[1\/2\] threat {2}1 {2}x +refused \(not_granted\)$/);
  assert.match(lineOf(outcome({ result: 'won', why: ['a breach'] }), '', plain), /WON \(a breach\)$/);
  assert.match(lineOf(broken, '', plain), /WON, as it must/);
  const esc = String.fromCodePoint(27);
  assert.ok(lineOf(refused, '', painter({ isTTY: true }, {})).includes(`${esc}[32m`));
  assert.ok(!lineOf(refused, '', painter({ isTTY: true }, { NO_COLOR: '1' })).includes(esc));
});

test('the summary says when nothing is proved', () => {
  assert.match(summaryOf([outcome({})]), /^1 attacks: 0 won, 1 refused.*proves little/s);
  assert.match(summaryOf([outcome({}), executed, broken]), /2 controls came out as they must/);
  assert.match(summaryOf([outcome({}), outcome({ must: 'win', result: 'failed' })]), /worth nothing/);
});
