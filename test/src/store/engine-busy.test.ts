import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { EmbeddedDatabase } from '../../../src/store/embedded-node.ts';
import type { Migration } from '../../../src/store/migrate.ts';
import { isStoreError, type Statement } from '../../../src/store/port.ts';
import { missing } from '../../support/missing.ts';
import { openTestStore } from '../../support/store.ts';
import { startChild } from './children/line-child.ts';

const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'items',
    statements: ['CREATE TABLE item (id INTEGER, part INTEGER, PRIMARY KEY (id, part))'],
  },
];

const insert = (id: number): Statement[] => [
  { sql: 'INSERT INTO item (id, part) VALUES (?, 1)', args: [id] },
  { sql: 'INSERT INTO item (id, part) VALUES (?, 2)', args: [id] },
];
const countRows: Statement = { sql: 'SELECT count(*) AS n FROM item', args: [] };

test('under contention nothing acknowledged is lost and nothing rejected is written', async (t) => {
  const { db, path } = await openTestStore(t, migrations, { busyTimeoutMs: 15 });
  const other = startChild(t, 'hold-lock.ts', [path, 'flap', '40']);
  assert.equal(await other.nextLine(), 'flapping');

  const told = new Set<number>();
  const refused = new Set<number>();
  const deadlineMs = performance.now() + 15_000;
  const writeSome = async (firstId: number): Promise<void> => {
    for (let id = firstId; ; id += 4) {
      const enough = told.size >= 200 && refused.size >= 20;
      if (enough || performance.now() > deadlineMs) return;
      try {
        await db.write(insert(id));
        told.add(id);
      } catch (error) {
        assert.ok(isStoreError(error, 'busy'), String(error));
        refused.add(id);
      }
      await db.read(countRows);
    }
  };
  await Promise.all([1, 2, 3, 4].map(writeSome));
  assert.ok(told.size >= 200 && refused.size >= 20, `${told.size} told, ${refused.size} refused`);
  assert.ok(db.stats().reopened > 0);
  other.process.kill('SIGKILL');
  await other.ended;

  // Its death freed the lock: the engine still writes, on connections that met BUSY many times.
  await db.write(insert(1_000_000));
  told.add(1_000_000);
  await db.close();

  const fresh = startChild(t, 'dump-rows.ts', [path]);
  const { rows, check } = JSON.parse(await fresh.nextLine()) as {
    rows: { id: number; part: number }[];
    check: { integrity_check: string }[];
  };
  assert.deepEqual(check, [{ integrity_check: 'ok' }]);
  const found = new Map<number, number>();
  for (const { id } of rows) if (id > 0) found.set(id, (found.get(id) ?? 0) + 1);
  assert.deepEqual(
    [...found.keys()].sort((a, b) => a - b),
    [...told].sort((a, b) => a - b),
  );
  for (const parts of found.values()) assert.equal(parts, 2);
  for (const id of refused) assert.ok(!found.has(id));
});

test('a lock that hangs is busy after the deadline, and the event loop turns meanwhile', async (t) => {
  // Long, so that a pause which this machine takes for others is none of the loop's own.
  const busyTimeoutMs = 2_000;
  const { db, path } = await openTestStore(t, migrations, { busyTimeoutMs });
  const other = startChild(t, 'hold-lock.ts', [path, 'hold']);
  assert.equal(await other.nextLine(), 'held');

  let ticks = 0;
  let longestGapMs = 0;
  let lastMs = performance.now();
  const ticking = setInterval(() => {
    const nowMs = performance.now();
    longestGapMs = Math.max(longestGapMs, nowMs - lastMs);
    lastMs = nowMs;
    ticks += 1;
  }, 5);
  t.after(() => clearInterval(ticking));
  const startMs = performance.now();
  const outcomes = await Promise.allSettled([db.write(insert(1)), db.write(insert(2))]);
  const tookMs = performance.now() - startMs;
  clearInterval(ticking);
  for (const outcome of outcomes) {
    assert.ok(outcome.status === 'rejected' && isStoreError(outcome.reason, 'busy'));
  }
  assert.ok(tookMs >= busyTimeoutMs - 5 && tookMs < busyTimeoutMs * 5, `${tookMs} ms`);
  assert.ok(ticks >= 10, `${ticks} ticks`);
  assert.ok(longestGapMs < busyTimeoutMs / 2, `a gap of ${longestGapMs} ms`);

  // Reads go on while another writes.
  assert.deepEqual(await db.read(countRows), [{ n: 0 }]);
  const patient = waitingWrite(db, 3);
  other.send('free');
  await patient;
  assert.equal(await other.nextLine(), 'free');
  assert.deepEqual(await db.read({ sql: 'SELECT DISTINCT id FROM item', args: [] }), [{ id: 3 }]);
});

/** Writes as a caller who tries again on busy. */
async function waitingWrite(db: EmbeddedDatabase, id: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    try {
      await db.write(insert(id));
      return;
    } catch (error) {
      if (!isStoreError(error, 'busy') || performance.now() > deadlineMs) throw error;
    }
  }
}

test('waiting for a lock opens no ever more files', async (t) => {
  if (process.platform !== 'linux') return missing('/proc/self/fd, to count open files');
  const { db, path } = await openTestStore(t, migrations, { busyTimeoutMs: 1_000 });
  const other = startChild(t, 'hold-lock.ts', [path, 'hold']);
  assert.equal(await other.nextLine(), 'held');
  const openFiles = (): number => readdirSync('/proc/self/fd').length;
  const before = openFiles();
  await assert.rejects(db.write(insert(1)), (error) => isStoreError(error, 'busy'));
  assert.ok(db.stats().reopened >= 10, `${db.stats().reopened} reopened`);
  assert.ok(openFiles() <= before + 6, `${before} open files, then ${openFiles()}`);
});

test('closing waits for what is queued, and what cannot be written is told', async (t) => {
  const { db, path } = await openTestStore(t, migrations, { busyTimeoutMs: 150 });
  const other = startChild(t, 'hold-lock.ts', [path, 'hold']);
  assert.equal(await other.nextLine(), 'held');
  const late = assert.rejects(db.write(insert(1)), (error) => isStoreError(error, 'busy'));
  await db.close();
  await late;
});
