import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as v from 'valibot';
import { auditEntrySchema } from '../../../schema/chain/audit-entry.ts';
import {
  type ChainHead,
  type ChainKind,
  emptyHead,
  followChain,
  nextHead,
} from '../../../schema/chain/chain.ts';

/** SHA-256 of `writ/1/audit` and `writ/1/receipt` with their 0x00 and nothing after, by another program. */
const emptyHashes = {
  audit: 'sha256:36d582b3c5a2c1361f30089247debc6dea19895add8138e177c4ba4310c3fab8',
  receipt: 'sha256:24fee611f137c2229464a1b87c5528c1e74fd27f97e32db00b819b3a913e8d69',
};

const read = (text: string): { seq: number; previous: string } | null => {
  try {
    return JSON.parse(text) as { seq: number; previous: string };
  } catch {
    return null;
  }
};

async function makeChain(
  kind: ChainKind,
  length: number,
): Promise<{ entries: string[]; heads: ChainHead[] }> {
  const entries: string[] = [];
  const heads = [await emptyHead(kind)];
  for (let seq = 1; seq <= length; seq += 1) {
    const text = JSON.stringify({ seq, previous: heads.at(-1)!.hash, event: `entry ${seq}` });
    entries.push(text);
    heads.push(await nextHead(kind, heads.at(-1)!, text));
  }
  return { entries, heads };
}

let entries: string[];
let heads: ChainHead[];

before(async () => {
  ({ entries, heads } = await makeChain('audit', 6));
});

const follow = async (from: ChainHead, texts: readonly string[]): Promise<ChainHead | string> => {
  const result = await followChain('audit', from, texts, read);
  return result.ok ? result.value : (result.detail ?? result.reason);
};

describe('chains', () => {
  test('start at the hash of nothing, by kind', async () => {
    assert.deepEqual(await emptyHead('audit'), { seq: 0, hash: emptyHashes.audit });
    assert.deepEqual(await emptyHead('receipt'), { seq: 0, hash: emptyHashes.receipt });
  });

  test('threat 13: an entry with the hash of the one before, but not the next number, breaks it', async () => {
    for (const seq of [0, 2, 4, 5, 3.5]) {
      const odd = JSON.stringify({ seq, previous: heads[2]!.hash, event: 'entry 3' });
      assert.equal(await follow(heads[2]!, [odd]), 'entry 3 does not follow the one before', String(seq));
    }
  });

  test('are followed to their head, from any head on the way', async () => {
    for (const [seq, head] of heads.entries()) {
      assert.deepEqual(await follow(head, entries.slice(seq)), heads.at(-1));
      assert.deepEqual(await follow(head, []), head);
    }
  });

  test('threat 13: an entry that is changed, left out, doubled or moved is found, at its place', async () => {
    const start = heads[0]!;
    for (let place = 0; place < entries.length; place += 1) {
      const isLast = place === entries.length - 1;
      const changed = entries.with(place, entries[place]!.replace('entry', 'Entry'));
      // A change of the last entry shows in the head alone: that is why heads are signed and remembered.
      if (isLast) assert.notDeepEqual(await follow(start, changed), heads.at(-1));
      else assert.equal(await follow(start, changed), `entry ${place + 2} does not follow the one before`);
      if (!isLast) {
        const without = entries.toSpliced(place, 1);
        assert.equal(await follow(start, without), `entry ${place + 1} does not follow the one before`);
        const swapped = entries.with(place, entries[place + 1]!).with(place + 1, entries[place]!);
        assert.equal(await follow(start, swapped), `entry ${place + 1} does not follow the one before`);
      }
      const doubled = entries.toSpliced(place, 0, entries[place]!);
      assert.equal(await follow(start, doubled), `entry ${place + 2} does not follow the one before`);
      const unreadable = entries.with(place, 'no entry');
      assert.equal(await follow(start, unreadable), `entry ${place + 1} does not follow the one before`);
    }
  });

  test('threat 13: a chain that is cut off ends at another head', async () => {
    assert.deepEqual(await follow(heads[0]!, entries.slice(0, -1)), heads.at(-2));
    assert.notDeepEqual(heads.at(-2), heads.at(-1));
  });

  test('threat 13: a fork does not follow a head that was remembered', async () => {
    const fork: string[] = entries.slice(0, 3);
    let head = heads[3]!;
    for (let seq = 4; seq <= 6; seq += 1) {
      const text = JSON.stringify({ seq, previous: head.hash, event: `other ${seq}` });
      fork.push(text);
      head = await nextHead('audit', head, text);
    }
    assert.deepEqual(await follow(heads[0]!, fork), head, 'in itself it holds');
    assert.equal(await follow(heads[4]!, fork.slice(4)), 'entry 5 does not follow the one before');
    assert.notEqual(head.hash, heads[6]!.hash);
  });

  test('threat 6: entries of one kind are no chain of the other', async () => {
    const result = await followChain('receipt', await emptyHead('receipt'), entries, read);
    assert.equal(result.ok ? 'accepted' : result.reason, 'chain_broken');
  });
});

describe('audit entries', () => {
  const entry = {
    seq: 1,
    previous: emptyHashes.audit,
    time: 1_763_800_000_000,
    event: 'command.accepted',
    principal: 'token:phone',
    facts: { command: 'cmd_01JDZ0000000000000000000CM', steps: 2, again: false, code: null },
  };

  test('hold codes, ids and names', () => {
    assert.ok(v.is(auditEntrySchema, entry));
    assert.ok(v.is(auditEntrySchema, { ...entry, event: 'receipt', facts: {} }));
  });

  test('hold nothing nested, nothing unknown, and no number below 1', () => {
    for (const other of [
      { ...entry, seq: 0 },
      { ...entry, previous: 'sha256:0' },
      { ...entry, time: -1 },
      { ...entry, time: 1.5 },
      { ...entry, event: 'Command accepted' },
      { ...entry, event: 'a.b.c' },
      { ...entry, principal: 'x'.repeat(81) },
      { ...entry, facts: { list: [] } },
      { ...entry, facts: { nested: {} } },
      { ...entry, facts: [] },
      { ...entry, note: 'x' },
    ]) {
      assert.equal(v.is(auditEntrySchema, other), false, JSON.stringify(other));
    }
  });
});
