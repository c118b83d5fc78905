import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { acceptActClock, actStateFile, openActState, seedActState } from '../../../relay/act/act-state.ts';
import { nodeDisk } from '../../../relay/agent/node-disk.ts';
import { makeTestHome, type TestHome } from '../../support/relay-home.ts';
import { createMemoryDisk, type MemoryDisk } from '../agent/fixture.ts';

const origins = [{ url: 'https://writ.example.net' }];
const part = `sha256:${'a'.repeat(64)}`;
const digest = `sha256:${'b'.repeat(64)}`;
const ordered = { order: { run_id: 0, run_attempt: 0, desk: 7 }, digest, part, at: 5_000, outcome: null };

async function seeded(): Promise<{ home: TestHome; disk: MemoryDisk }> {
  const home = await makeTestHome({ origins });
  const disk = createMemoryDisk();
  const done = await seedActState(disk, { relay: 'pve2', trust: home.trust(), now: 4_000 });
  assert.ok(done.ok);
  return { home, disk };
}

async function opened(disk: MemoryDisk) {
  const state = await openActState(disk);
  assert.ok(state.ok, state.ok ? '' : state.reason);
  return state.value;
}

const wordOf = (result: { ok: boolean; reason?: string }): string => (result.ok ? 'ok' : result.reason!);

test('what is written is there again after a crash', async () => {
  const { home, disk } = await seeded();
  const state = await opened(disk);
  assert.deepEqual([state.home, state.relay, state.notBefore, state.time()], [home.id, 'pve2', 4_000, 0]);
  assert.ok((await state.order('pve2', ordered, 6_000)).ok);
  assert.ok((await state.order('files', ordered, null)).ok);
  const next = await opened(disk.clone());
  assert.deepEqual(
    [...next.targets()],
    [
      ['pve2', ordered],
      ['files', ordered],
    ],
  );
  assert.equal(next.time(), 6_000);
  const outcome = { state: 'failed', code: 'service_failed', back: true } as const;
  assert.ok((await next.end('pve2', outcome)).ok);
  assert.deepEqual((await opened(disk.clone())).targets().get('pve2')?.outcome, null, 'of another copy');
  assert.deepEqual(next.targets().get('pve2')?.outcome, outcome);
  assert.equal(next.targets().get('files')?.outcome, null);
});

test('threat 2: a state that is missing or broken is none', async () => {
  const { disk } = await seeded();
  assert.equal(wordOf(await openActState(createMemoryDisk())), 'act_not_seeded');
  const text = Buffer.from(disk.files.get(actStateFile)!).toString();
  const file = JSON.parse(text) as { trust: { jws: { payload: string }; digest: string; version: number } };
  const broken: readonly (readonly [string, unknown])[] = [
    ['act_state_malformed', ''],
    ['act_state_malformed', text.slice(0, -10)],
    ['act_state_malformed', { ...file, more: 1 }],
    ['act_state_malformed', { ...file, trust: undefined }],
    ['trust_digest', { ...file, trust: { ...file.trust, digest } }],
    ['trust_version', { ...file, trust: { ...file.trust, version: 2 } }],
    ['trust_home', { ...file, home: `h_${'0'.repeat(26)}` }],
    ['trust_malformed', { ...file, trust: { ...file.trust, jws: { ...file.trust.jws, payload: 'AAAA' } } }],
  ];
  for (const [word, content] of broken) {
    const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
    assert.equal(wordOf(await openActState(createMemoryDisk(new Map([[actStateFile, bytes]])))), word);
  }
  const unreadable = { ...disk, read: () => Promise.reject(Object.assign(new Error(), { code: 'EIO' })) };
  assert.equal(wordOf(await openActState(unreadable)), 'act_state_unreadable');
});

test('threat 3: trust goes up by its chain alone, and never down', async () => {
  const { home, disk } = await seeded();
  await home.amend((document) => ({ ...document, expires: '2098-01-01T00:00:00Z' }));
  await home.amend((document) => ({ ...document, expires: '2097-01-01T00:00:00Z' }));
  const [first, second, third] = home.versions as [never, never, never];
  const state = await opened(disk);
  const version = (): number => state.trust().document.version;

  const skipped = await state.follow([third]);
  assert.ok(skipped.ok && skipped.value.refusal?.reason === 'trust_version');
  assert.equal(version(), 1);
  const other = await makeTestHome({ origins });
  await other.amend((document) => document);
  const foreign = await state.follow([other.versions[1]!]);
  assert.ok(foreign.ok && foreign.value.refusal !== null);
  assert.equal(version(), 1);

  // Two that began from the same version do not take each other's back.
  await Promise.all([state.follow([second, third]), state.follow([second])]);
  assert.equal(version(), 3);
  const older = await state.follow([first, second]);
  assert.ok(older.ok && older.value.refusal === null);
  assert.equal(version(), 3);
  assert.equal((await opened(disk.clone())).trust().document.version, 3);
});

test('threat 14: what the disk does not take is not in force', async () => {
  const { home, disk } = await seeded();
  await home.amend((document) => document);
  const state = await opened(disk);
  disk.fault = 'ENOSPC';
  assert.equal(wordOf(await state.follow(home.versions)), 'act_state_unwritable');
  assert.equal(state.trust().document.version, 1);
  assert.equal(wordOf(await state.order('pve2', ordered, 9_000)), 'act_state_unwritable');
  assert.deepEqual([[...state.targets()], state.time()], [[], 0]);
  disk.fault = null;
  assert.equal(wordOf(await state.follow(home.versions)), 'ok');
  assert.equal(state.trust().document.version, 2);
});

test('threat 3: told anew whom to obey, it forgets what it was ordered, and follows nothing from before', async () => {
  const { home, disk } = await seeded();
  const state = await opened(disk);
  await state.order('pve2', ordered, 9_000);
  assert.ok((await seedActState(disk, { relay: 'pve2', trust: home.trust(), now: 20_000 })).ok);
  const anew = await opened(disk);
  assert.deepEqual([anew.targets().size, anew.notBefore, anew.time()], [0, 20_000, 0]);

  const made = { relay: 'pve2', trust: await home.amend((document) => document), now: 30_000 };
  assert.ok((await seedActState(disk, { ...made, before: state })).ok);
  const same = await opened(disk);
  assert.deepEqual([...same.targets().keys()], ['pve2'], 'but not where it is only told a newer document');
  assert.deepEqual([same.notBefore, same.time(), same.trust().document.version], [4_000, 9_000, 2]);
});

test('threat 12: a clock that was once ahead is mended at the console, and never set forward', async () => {
  const { disk } = await seeded();
  await (await opened(disk)).order('pve2', ordered, 9_000);
  assert.ok((await acceptActClock(disk, 12_000)).ok);
  assert.equal((await opened(disk)).time(), 9_000);
  assert.ok((await acceptActClock(disk, 7_000)).ok);
  const mended = await opened(disk);
  assert.deepEqual([mended.time(), mended.targets().size], [7_000, 1]);
  assert.equal(wordOf(await acceptActClock(createMemoryDisk(), 1)), 'ok', 'where there is none');
});

test('the file is its owner’s alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-act-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = await makeTestHome({ origins });
  const disk = nodeDisk(join(folder, 'state'));
  assert.ok((await seedActState(disk, { relay: 'pve1', trust: home.trust(), now: 1 })).ok);
  assert.equal(statSync(join(folder, 'state')).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'state', actStateFile)).mode & 0o777, 0o600);
  assert.ok((await openActState(disk)).ok);
});
