import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeJournal } from '../../../relay/agent/journal-format.ts';
import { makeTestHome, testDigest } from '../../support/relay-home.ts';
import { createMemoryDisk, type MemoryDisk, type Rig, type RigOptions, startRig } from './fixture.ts';

const releases = [{ action: 'release.apply', on: ['websvcs', 'files'], paths: ['/etc/opt/**'] }];

async function openRig(options: RigOptions = {}): Promise<Rig & { readonly disk: MemoryDisk }> {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }], releases });
  const disk = createMemoryDisk();
  return { ...(await startRig({ home, disk, ...options })), disk };
}
const write = (
  rig: Rig,
  parts: Parameters<Rig['home']['release']>[0],
  desk: number,
  by = rig.home.operator,
) => rig.home.release(parts, { issuedAt: rig.clock.now(), order: { desk }, by });
const deedsOf = (rig: Rig): string[] => rig.deeds.map(({ action, target }) => `${action} ${target}`);
const floors = (rig: Rig) =>
  [...rig.state.journal.state.orders.values()].map(({ target, order, digest }) => [
    target,
    order.desk,
    digest,
  ]);

/** A day later and often written, a journal knows no step any more. */
async function forgetSteps({ executor, clock, state: { journal } }: Rig): Promise<void> {
  executor.confirmReceipts(executor.head().seq);
  clock.advance(24 * 3_600_000);
  for (let i = 0; i < 200 && journal.state.steps.size > 0; i += 1) await journal.append([]);
  assert.equal(journal.state.steps.size, 0);
}

describe('a relay’s memory of releases', () => {
  test('threat 10: a part is started once, and its order is journalled in the line of its start', async () => {
    const rig = await openRig();
    const release = await write(rig, [{}], 5);
    assert.deepEqual(await rig.order(release), { kind: 'started' });
    await rig.executor.idle();
    const journal = decodeJournal(rig.disk.files.get('journal')!);
    assert.ok(journal.ok);
    const kinds = journal.value.entries.map(({ k }) => k).join(' ');
    assert.match(kinds, /clock receipt step order clock receipt step$/);
    assert.deepEqual(floors(rig), [['websvcs', 5, release.digest]]);
    assert.equal((await rig.order(release)).kind, 'consumed');
    const next = await rig.restart();
    const again = await next.order(release);
    assert.ok(again.kind === 'consumed' && again.receipts.length === 2);
    assert.deepEqual(deedsOf(next), ['release.apply websvcs']);
    await next.executor.close();
  });

  test('threat 3: an older release, delivered late or again, is refused; also once its step is forgotten', async () => {
    const rig = await openRig({ compactBytes: 1 });
    const older = await write(rig, [{}, { target: 'files' }], 4);
    const newer = await write(rig, [{ digest: testDigest('b') }], 5);
    assert.deepEqual(await rig.order(newer), { kind: 'started' });
    await rig.executor.idle();
    assert.deepEqual(await rig.order(older, 1), { kind: 'refused', code: 'release_stale' });
    // Of the same release the part of another target is followed.
    assert.deepEqual(await rig.order(older, 0), { kind: 'started' });
    await rig.executor.idle();
    assert.deepEqual(floors(rig), [
      ['websvcs', 5, newer.digest],
      ['files', 4, older.digest],
    ]);
    await forgetSteps(rig);
    const next = await rig.restart();
    assert.deepEqual(await next.order(newer), { kind: 'consumed', receipts: [] });
    assert.deepEqual(await next.order(older, 0), { kind: 'consumed', receipts: [] });
    assert.deepEqual(await next.order(older, 1), { kind: 'refused', code: 'release_stale' });
    assert.equal(deedsOf(next).length, 2);
    await next.executor.close();
  });

  test('threat 3: what a relay refused for its own reasons counts, so that no older release is done instead', async () => {
    const rig = await openRig({ behaviour: { precheck: async () => ({ ok: false, reason: 'path_never' }) } });
    const newer = await write(rig, [{}], 5);
    const older = await write(rig, [{ digest: testDigest('b') }], 4);
    assert.deepEqual(await rig.order(newer), { kind: 'refused', code: 'path_never' });
    assert.deepEqual(floors(rig), [['websvcs', 5, newer.digest]]);
    const next = await rig.restart({ behaviour: {} });
    assert.deepEqual(await next.order(older), { kind: 'refused', code: 'release_stale' });
    assert.deepEqual(floors(next), [['websvcs', 5, newer.digest]]);
    await next.executor.close();
  });

  test('threat 1: orders that nobody may give raise nothing, and stay refused when they are forgotten', async () => {
    const rig = await openRig({ compactBytes: 1 });
    const byThief = await write(rig, [{}], Number.MAX_SAFE_INTEGER, rig.home.controller);
    assert.deepEqual(await rig.order(byThief), { kind: 'refused', code: 'not_granted' });
    assert.deepEqual(floors(rig), []);
    await forgetSteps(rig);
    const next = await rig.restart();
    assert.deepEqual(await next.order(byThief), { kind: 'dropped', code: 'release_forgotten' });
    assert.deepEqual(await next.order(await write(next, [{}], 1)), { kind: 'started' });
    await next.executor.close();
  });

  test('threat 10: two releases for one target at once are done one after the other, the older one never last', async () => {
    const ends: (() => void)[] = [];
    const rig = await openRig({
      behaviour: { act: () => new Promise((resolve) => ends.push(() => resolve(undefined))) },
    });
    const first = await write(rig, [{}], 5);
    const third = await write(rig, [{ digest: testDigest('b') }], 7);
    const second = await write(rig, [{ digest: testDigest('c') }], 6);
    assert.equal((await rig.order(first)).kind, 'started');
    assert.equal((await rig.order(third)).kind, 'waiting');
    assert.equal((await rig.order(second)).kind, 'waiting');
    const running = rig.executor.idle();
    for (const digest of [first, third]) {
      const { resolve, promise } = Promise.withResolvers<void>();
      rig.executor.onReceipt(() => resolve());
      ends.shift()!();
      await promise;
      while (ends.length === 0 && digest === first) await new Promise(setImmediate);
    }
    await running;
    assert.deepEqual(
      rig.deeds.map(({ params }) => (params as { part: string }).part),
      [testDigest('a'), testDigest('b')],
    );
    assert.equal(rig.receipts().at(-1)?.code, 'release_stale');
    await rig.executor.close();
  });

  test('threat 14: without a durable journal nothing is started, and no order is remembered', async () => {
    const rig = await openRig();
    rig.disk.fault = 'ENOSPC';
    const release = await write(rig, [{}], 5);
    assert.deepEqual(await rig.order(release), { kind: 'dropped', code: 'journal_unwritable' });
    assert.deepEqual([deedsOf(rig), floors(rig)], [[], []]);
    rig.disk.fault = null;
    assert.deepEqual(await rig.order(release), { kind: 'started' });
    await rig.executor.close();
  });
});
