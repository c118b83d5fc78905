import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ChainHead } from '../../../schema/chain/chain.ts';
import { emptyHead } from '../../../schema/chain/chain.ts';
import { sealEntry } from '../../../src/domain/audit-export.ts';
import { isStoreError } from '../../../src/store/port.ts';
import { verifyAuditExport } from '../../support/audit-oracle.ts';
import { makeControlHome } from '../../support/control-home.ts';

const note = (seq: number, facts = {}) => ({
  seq,
  time: 1_800_000_000_000 + seq,
  event: 'command.accepted',
  principal: 'token:phone',
  facts: { command: `cmd_${seq}`, ...facts },
});

/** A log of entries, and the head after each. */
async function makeLog(count: number): Promise<{ lines: string[]; heads: ChainHead[] }> {
  let head = await emptyHead('audit');
  const lines: string[] = [];
  const heads: ChainHead[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const sealed = await sealEntry(head, note(seq));
    head = sealed.head;
    lines.push(sealed.text);
    heads.push(head);
  }
  return { lines, heads };
}

const verdict = async (lines: readonly string[], known: readonly ChainHead[] = []) => {
  const result = await verifyAuditExport(lines, known);
  return result.ok ? 'ok' : result.reason;
};

test('a sound log verifies, whatever heads of it were seen before', async () => {
  const { lines, heads } = await makeLog(12);
  const result = await verifyAuditExport(lines, [...heads, await emptyHead('audit')]);
  assert.deepEqual(result, { ok: true, value: heads.at(-1) });
  assert.equal(await verdict([]), 'ok');
});

test('threat 13: any flipped byte of any entry is found out', async () => {
  const { lines, heads } = await makeLog(6);
  await fc.assert(
    fc.asyncProperty(fc.nat(5), fc.nat(), fc.integer({ min: 1, max: 127 }), async (line, place, flip) => {
      const text = lines[line]!;
      const at = place % text.length;
      const other = String.fromCharCode((text.charCodeAt(at) ^ flip) & 0x7f);
      if (other === text[at]) return;
      const changed = lines.with(line, text.slice(0, at) + other + text.slice(at + 1));
      assert.notEqual(await verdict(changed, [heads.at(-1)!]), 'ok');
    }),
    { numRuns: 300 },
  );
});

test('threat 13: a log that was cut off, reordered, thinned out or forked is found out', async () => {
  const { lines, heads } = await makeLog(8);
  const seen = [heads[5]!];
  assert.equal(await verdict(lines.slice(0, 5), seen), 'head_missing');
  assert.equal(await verdict([], seen), 'head_missing');
  assert.equal(await verdict([...lines].reverse(), seen), 'chain_broken');
  assert.equal(await verdict(lines.with(3, lines[4]!).with(4, lines[3]!), seen), 'chain_broken');
  assert.equal(await verdict(lines.toSpliced(3, 1), seen), 'chain_broken');
  assert.equal(await verdict(lines.slice(1), seen), 'chain_broken');
  assert.equal(await verdict(lines.toSpliced(3, 0, lines[3]!), seen), 'chain_broken');
  assert.equal(await verdict([...lines, 'not json']), 'entry_malformed');

  // Written anew from the fourth entry on, with every hash made right: the remembered head tells.
  let head = heads[2]!;
  const fork = lines.slice(0, 3);
  for (let seq = 4; seq <= 8; seq += 1) {
    const sealed = await sealEntry(head, note(seq, { forged: true }));
    head = sealed.head;
    fork.push(sealed.text);
  }
  assert.equal(await verdict(fork), 'ok', 'in itself it is sound');
  assert.equal(await verdict(fork, seen), 'head_differs');
});

test('threat 13: what happens is chained in order, and its head stands in heartbeats', async (t) => {
  const made = await makeControlHome(t);
  const grant = made.operator('tokens');
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      made.control.tokens.create(grant, { name: `t${index}`, scope: ['status'], days: 1 }),
    ),
  );
  await made.control.audit.note('proof.refused', 'stranger', { reason: 'time' });
  const { entries, head } = await made.control.audit.page(0, 1000);
  assert.equal(entries.length, 22);
  assert.deepEqual(await verifyAuditExport(entries, [head]), { ok: true, value: head });
  const heartbeat = (await made.relay('pve1').poll()).heartbeat;
  const payload = JSON.parse(Buffer.from(heartbeat.split('.')[1]!, 'base64url').toString());
  assert.ok(payload.audit.seq >= 22);

  const exported: string[] = [];
  for await (const line of made.control.audit.export()) exported.push(line);
  assert.deepEqual(exported.slice(0, 22), entries);
  assert.equal((await verifyAuditExport(exported, [payload.audit])).ok, true);
  assert.deepEqual((await made.control.audit.page(20, 1)).entries, entries.slice(20, 21));
});

test('threat 13: the database itself refuses to change or delete what is in the log', async (t) => {
  const made = await makeControlHome(t);
  await made.control.audit.page(0, 1);
  for (const sql of [
    "UPDATE audit SET principal = 'operator2'",
    'UPDATE audit SET hash = NULL',
    'DELETE FROM audit',
    'DELETE FROM receipt',
  ]) {
    const attempt = made.db.write([{ sql, args: [] }]).then((results) => results[0]!.changes);
    if (sql.includes('receipt')) assert.equal(await attempt, 0);
    else await assert.rejects(attempt, (error) => isStoreError(error, 'constraint'), sql);
  }
});

test('threat 13: a log that was edited in the file does not verify any more', async (t) => {
  const made = await makeControlHome(t);
  await made.control.audit.note('proof.refused', 'stranger', { reason: 'time' });
  const before = await made.control.audit.page(0, 10);
  await made.db.write([
    { sql: 'DROP TRIGGER audit_is_fixed', args: [] },
    { sql: "UPDATE audit SET facts_json = '{}' WHERE seq = 1", args: [] },
  ]);
  const after = await made.control.audit.page(0, 10);
  const result = await verifyAuditExport(after.entries, [before.head]);
  assert.equal(result.ok, false);
});

test('events follow what happens, from now on or after a place', async (t) => {
  const made = await makeControlHome(t);
  const stop = new AbortController();
  let first: number | null = null;
  const following = (async () => {
    for await (const event of made.control.audit.events(null, stop.signal)) {
      first = event.seq;
      assert.equal(event.entry.event, 'test.noted');
      return;
    }
  })();
  // Whoever follows "from now on" has subscribed at some moment: it must hear of what is noted after that.
  const deadline = Date.now() + 10_000;
  while (first === null && Date.now() < deadline) {
    await made.control.audit.note('test.noted', 'controller', {});
    await new Promise((resolve) => setImmediate(resolve));
  }
  await following;
  assert.ok(first !== null && first > 1);

  const last = await made.store.audit.last();
  const order = { action: 'host.wake', target: 'pve2', params: {} };
  const accepted = await made.control.orders.order(made.token('host.wake@pve2'), order);
  assert.ok(accepted.ok);
  for await (const event of made.control.audit.events(last, stop.signal)) {
    assert.deepEqual([event.seq, event.entry.event], [last + 1, 'command.accepted']);
    assert.equal(event.command?.id, accepted.value.command.id);
    break;
  }
  const waiting = (async () => {
    let count = 0;
    for await (const _ of made.control.audit.events(null, stop.signal)) count += 1;
    return count;
  })();
  stop.abort();
  assert.equal(await waiting, 0);
});
