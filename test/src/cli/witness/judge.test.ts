import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Witness } from '../../../../schema/chain/witness.ts';
import type { Digest } from '../../../../schema/jose/digest.ts';
import { type Conflict, judgeWitnesses } from '../../../../src/cli/witness/judge.ts';
import { homeId } from '../home-fixture.ts';

/** A hash as it could be, by the log and the number of an entry. */
const hash = (log: string, seq: number): Digest =>
  `sha256:${log.charCodeAt(0).toString(16)}${String(seq).padStart(62, '0')}`;
/** The log whose entries are of `a` up to one, and of `b` from there on. */
const hashes = (length: number, from = Number.POSITIVE_INFINITY): Digest[] =>
  Array.from({ length }, (_, index) => hash(index + 1 < from ? 'a' : 'b', index + 1));
const saw = (relay: string, log: string, seq: number, time = seq): Witness => ({
  home: homeId,
  relay,
  seq,
  hash: hash(log, seq),
  time,
});
const told = (conflict: Conflict): unknown[] => [conflict.kind, conflict.seq];

describe('threat 13: a log against what relays saw of it', () => {
  test('what fits confirms, of each relay as far as it saw', () => {
    const judged = judgeWitnesses(hashes(9), true, [
      saw('pve1', 'a', 3),
      saw('pve2', 'a', 5),
      saw('pve1', 'a', 8),
      saw('pve1', 'a', 8),
    ]);
    assert.deepEqual(judged, {
      confirmed: [saw('pve1', 'a', 8), saw('pve2', 'a', 5)],
      conflicts: [],
      more: 0,
    });
  });

  test('a log that was rewritten: the first entry that differs, and from where it may have been', () => {
    const { conflicts, confirmed } = judgeWitnesses(hashes(20, 6), true, [
      saw('pve1', 'a', 4),
      saw('pve2', 'a', 7),
      saw('pve1', 'a', 9),
      saw('pve1', 'b', 12),
    ]);
    assert.deepEqual(conflicts, [
      { kind: 'rewritten', seq: 7, from: 5, by: [saw('pve2', 'a', 7)] },
      { kind: 'rewritten', seq: 9, from: 5, by: [saw('pve1', 'a', 9)] },
    ]);
    assert.deepEqual(confirmed.at(-1), saw('pve1', 'b', 12));
  });

  test('a log that was cut off', () => {
    const { conflicts, confirmed } = judgeWitnesses(hashes(5), true, [
      saw('pve1', 'a', 5),
      saw('pve2', 'a', 8),
    ]);
    assert.deepEqual(conflicts, [{ kind: 'shortened', seq: 8, by: [saw('pve2', 'a', 8)] }]);
    assert.deepEqual(confirmed, [saw('pve1', 'a', 5)]);
    assert.deepEqual(judgeWitnesses([], true, [saw('pve1', 'a', 1)]).conflicts.map(told), [['shortened', 1]]);
  });

  test('two that were told different hashes of one entry: a fork, whatever the log says', () => {
    const two = [saw('pve1', 'a', 7), saw('pve2', 'b', 7)];
    assert.deepEqual(judgeWitnesses(hashes(9), true, two).conflicts, [{ kind: 'forked', seq: 7, by: two }]);
    assert.deepEqual(judgeWitnesses(hashes(3), true, two).conflicts, [{ kind: 'forked', seq: 7, by: two }]);
  });

  test('this log seen before another one was: a fork, too', () => {
    // pve2 was told of another past after pve1 had been told of this one.
    const early = saw('pve1', 'b', 8, 100);
    const late = saw('pve2', 'a', 7, 200);
    assert.deepEqual(judgeWitnesses(hashes(9, 5), true, [early, late]).conflicts, [
      { kind: 'forked', seq: 7, by: [late, early] },
    ]);
    const rewritten = judgeWitnesses(hashes(9, 5), true, [{ ...early, time: 300 }, late]);
    assert.deepEqual(rewritten.conflicts.map(told), [['rewritten', 7]]);
  });

  test('behind a break in the chain nothing is compared, and nothing missed', () => {
    const seen = [saw('pve1', 'a', 4), saw('pve2', 'a', 8)];
    assert.deepEqual(judgeWitnesses(hashes(4), false, seen).conflicts, []);
  });

  test('of many contradictions the first are told and the others counted', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => saw('pve1', 'a', index + 1));
    const judged = judgeWitnesses(hashes(5_000, 1), true, many);
    assert.deepEqual(
      judged.conflicts.map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
    assert.equal(judged.more, 4_995);
  });

  test('whatever was rewritten, cut off or not, and whoever looked: what is told is true', () => {
    const looks = fc.array(
      fc.record({ relay: fc.constantFrom('pve1', 'pve2', 'cloud'), seq: fc.integer({ min: 1, max: 40 }) }),
      { minLength: 1, maxLength: 12 },
    );
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 41 }),
      fc.integer({ min: 0, max: 40 }),
      looks,
      (seenLength, from, length, seen) => {
        // All looked at the true log; then it was rewritten from an entry on, and has another length now.
        const witnesses = seen
          .filter(({ seq }) => seq <= seenLength)
          .map(({ relay, seq }) => saw(relay, 'a', seq));
        const { conflicts, confirmed, more } = judgeWitnesses(hashes(length, from), true, witnesses);
        const wrong = [...new Set(witnesses.map(({ seq }) => seq))]
          .filter((seq) => seq >= from || seq > length)
          .sort((a, b) => a - b);
        assert.deepEqual(
          conflicts.map(({ seq }) => seq),
          wrong.slice(0, 5),
        );
        assert.equal(conflicts.length + more, wrong.length);
        for (const conflict of conflicts) {
          if (conflict.kind !== 'rewritten') continue;
          assert.ok(conflict.from <= from && from <= conflict.seq, 'the first entry changed is in the range');
        }
        for (const { seq } of confirmed) assert.ok(seq < from && seq <= length);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
