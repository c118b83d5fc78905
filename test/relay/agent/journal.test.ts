import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { createJournal, type Genesis, openJournal } from '../../../relay/agent/journal.ts';
import { decodeJournal, type JournalEntry } from '../../../relay/agent/journal-format.ts';
import { snapshotOf, stepKey } from '../../../relay/agent/journal-state.ts';
import { nodeDisk } from '../../../relay/agent/node-disk.ts';
import { createMemoryDisk, createTestClock, type MemoryDisk, quietLog, type TestClock } from './fixture.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const genesis: Genesis = {
  home: `h_${'0'.repeat(26)}`,
  relay: 'pve2',
  kid: 'k'.repeat(43),
  trust: { version: 1, digest: digest('a') },
};

const deps = (disk: MemoryDisk, clock: TestClock, compactBytes?: number) => ({
  disk,
  clock,
  log: quietLog(),
  ...(compactBytes !== undefined && { compactBytes }),
});

const started = (step: number, expires: number, receipt: number): JournalEntry => ({
  k: 'step',
  intent: digest('b'),
  step,
  expires,
  phase: 'ended',
  action: 'guest.start',
  target: 'gaming',
  params: null,
  at: 1,
  boot: 'boot-1',
  receipts: [receipt],
});
const digestOfNumber = (number: number): string => `sha256:${String(number).padStart(64, '0')}`;
const receipt = (seq: number): JournalEntry => ({ k: 'receipt', seq, jws: 'a.b.c', hash: digest('c') });

const fileOf = (disk: MemoryDisk): Buffer => Buffer.from(disk.files.get('journal')!);

async function openAgain(disk: MemoryDisk, clock: TestClock) {
  const opened = await openJournal(deps(disk, clock));
  if (!opened.ok) throw new Error(`${opened.reason}: ${opened.detail}`);
  return opened.value;
}

/** A journal of a few lines, and what it says after each. */
async function writeSome(): Promise<{ disk: MemoryDisk; clock: TestClock; lengths: number[] }> {
  const clock = createTestClock();
  const disk = createMemoryDisk();
  const journal = await createJournal(deps(disk, clock), genesis);
  const lengths = [fileOf(disk).length];
  for (let step = 0; step < 4; step += 1) {
    assert.ok((await journal.append([receipt(step + 1), started(step, clock.now(), step + 1)])).ok);
    lengths.push(fileOf(disk).length);
  }
  return { disk, clock, lengths };
}

test('a journal says after a restart what it said before, byte for byte', async () => {
  const { disk, clock } = await writeSome();
  const before = await openAgain(disk, clock);
  before.note({ k: 'audit', seq: 3, hash: digest('d') });
  before.note({ k: 'audit', seq: 4, hash: digest('e') });
  await before.append([
    { k: 'start', identity: 'controller', action: 'guest.start', target: 'gaming', lived: 5, window: 9 },
    { k: 'confirmed', seq: 2 },
    { k: 'reports', next: 1_001 },
    { k: 'trust', version: 2, digest: digest('f') },
    { k: 'restored' },
  ]);
  const after = await openAgain(disk, clock);
  assert.deepEqual(snapshotOf(after.state), snapshotOf(before.state));
  assert.deepEqual(after.state.audit, { seq: 4, hash: digest('e') });
  assert.equal(after.state.head.seq, 4);
});

test('a journal cut anywhere in its last line opens without that line; cut earlier, it lost whole lines', async () => {
  const { disk, clock, lengths } = await writeSome();
  const whole = fileOf(disk);
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const shorter = createMemoryDisk(new Map([['journal', whole.subarray(0, cut)]]));
    const opened = await openJournal(deps(shorter, clock));
    // A line that lacks nothing but its end counts.
    const isWhole = (length: number): boolean => length - 1 <= cut;
    if (!isWhole(lengths[0]!)) {
      assert.equal(opened.ok ? 'opened' : opened.reason, 'journal_malformed', `cut at ${cut}`);
      continue;
    }
    assert.ok(opened.ok, `cut at ${cut}`);
    assert.equal(opened.value.state.steps.size, lengths.filter(isWhole).length - 1);
    // What was torn is mended before anything is added.
    assert.ok((await opened.value.append([receipt(9)])).ok);
    const again = await openAgain(shorter, clock);
    assert.equal(again.state.steps.size, opened.value.state.steps.size);
    assert.ok(again.state.receipts.has(9));
  }
});

test('blocks that were never filled count as an unfinished write', async () => {
  const { disk, clock, lengths } = await writeSome();
  const whole = fileOf(disk);
  whole.fill(0, lengths[3]! + 10, lengths[4]! - 20);
  const opened = await openJournal(deps(createMemoryDisk(new Map([['journal', whole]])), clock));
  assert.ok(opened.ok);
  assert.equal(opened.value.state.steps.size, 3);
});

test('a journal with any other damage does not open', async () => {
  const { disk, lengths } = await writeSome();
  const whole = fileOf(disk);
  fc.assert(
    fc.property(fc.nat(whole.length - 2), fc.integer({ min: 1, max: 255 }), (at, bits) => {
      const damaged = Buffer.from(whole);
      damaged[at] = damaged[at]! ^ bits;
      // A zero in the last line is what a block looks like that was never written.
      fc.pre(damaged[at] !== 0 || at < lengths[3]!);
      assert.equal(decodeJournal(damaged).ok, false, `byte ${at}`);
    }),
    { numRuns: 2_000 },
  );
  const lines = whole.toString().split('\n').slice(0, -1);
  const join = (list: string[]): Buffer => Buffer.from(`${list.join('\n')}\n`);
  assert.equal(decodeJournal(join(lines)).ok, true);
  for (let i = 0; i < lines.length - 1; i += 1) {
    assert.equal(decodeJournal(join(lines.toSpliced(i, 1))).ok, false, `without line ${i + 1}`);
    assert.equal(decodeJournal(join(lines.toSpliced(i, 0, lines[i]!))).ok, false, `line ${i + 1} twice`);
    const swapped = lines.with(i, lines[i + 1]!).with(i + 1, lines[i]!);
    assert.equal(decodeJournal(join(swapped)).ok, false, `lines ${i + 1} and ${i + 2} swapped`);
  }
});

test('compaction keeps what may still be asked for, and forgets what nobody can order again', async () => {
  const clock = createTestClock();
  const disk = createMemoryDisk();
  const journal = await createJournal(deps(disk, clock, 1), genesis);
  const hour = 3_600_000;
  const soon = clock.now() + hour;
  for (let step = 0; step < 20; step += 1) {
    await journal.append([receipt(step + 1), started(step, soon, step + 1)]);
  }
  assert.equal(journal.state.steps.size, 20);
  clock.advance(14 * hour);
  for (let i = 0; i < 100; i += 1) await journal.append([]);
  assert.equal(journal.state.steps.size, 20, 'receipts that nobody has confirmed are kept');
  journal.note({ k: 'confirmed', seq: 15 });
  for (let i = 0; i < 200; i += 1) await journal.append([]);
  assert.equal(journal.state.steps.size, 5);
  assert.equal(journal.state.forgotten, soon);
  assert.deepEqual([...journal.state.receipts.keys()], [16, 17, 18, 19, 20]);
  assert.equal(journal.state.head.seq, 20);
  assert.ok(fileOf(disk).length < 20_000, `${fileOf(disk).length} bytes`);
  const again = await openAgain(disk, clock);
  assert.deepEqual(snapshotOf(again.state), snapshotOf(journal.state));
});

test('threat 4: under load memory keeps what may still be ordered, and a restart forgets nothing of it', async () => {
  const clock = createTestClock();
  const disk = createMemoryDisk();
  const journal = await createJournal(deps(disk, clock), genesis);
  const minute = 60_000;
  const intents = new Map<string, number>();
  let mostSteps = 0;
  let mostReceipts = 0;
  let rewritten = 0;
  for (let second = 0; second < 500; second += 1) {
    const before = fileOf(disk).length;
    clock.advance(1_000);
    const expires = clock.now() + minute;
    const numbers = Array.from({ length: 10 }, (_, index) => second * 10 + index + 1);
    await journal.append(
      numbers.flatMap((seq) => [
        receipt(seq),
        { ...started(0, expires, seq), intent: digestOfNumber(seq) } as JournalEntry,
      ]),
    );
    for (const seq of numbers) intents.set(stepKey(digestOfNumber(seq), 0), expires);
    journal.note({ k: 'confirmed', seq: numbers.at(-1)! });
    if (fileOf(disk).length < before) rewritten += 1;
    mostSteps = Math.max(mostSteps, journal.state.steps.size);
    mostReceipts = Math.max(mostReceipts, journal.state.receipts.size);
  }
  // Ten steps a second, of which each lives for a minute and is remembered for two more.
  assert.ok(mostSteps <= 1_800 + 600, `${mostSteps} steps`);
  assert.ok(mostReceipts <= 1_100, `${mostReceipts} receipts`);
  assert.ok(rewritten >= 2, `rewritten ${rewritten} times`);
  const whole = snapshotOf(journal.state).reduce((bytes, entry) => bytes + JSON.stringify(entry).length, 0);
  assert.ok(fileOf(disk).length <= 2 * whole + 512 * 1024, `${fileOf(disk).length} bytes for ${whole}`);
  for (const { state } of [journal, await openAgain(disk, clock)]) {
    const lost = [...intents].filter(([key, expires]) => !state.steps.has(key) && expires > state.forgotten);
    assert.deepEqual(lost, []);
    assert.ok(state.forgotten < clock.now());
  }
});

test('an idle relay does not grow its journal', async () => {
  const clock = createTestClock();
  const disk = createMemoryDisk();
  const journal = await createJournal(deps(disk, clock, 4_096), genesis);
  for (let i = 0; i < 2_000; i += 1) {
    clock.advance(600_000);
    journal.note({ k: 'audit', seq: i, hash: digest('a') });
    await journal.append([]);
  }
  assert.ok(fileOf(disk).length < 8_192);
});

test('time that a host lived is never counted longer than it was, and counted over boots as far as written', async () => {
  const clock = createTestClock();
  const disk = createMemoryDisk();
  let journal = await createJournal(deps(disk, clock), genesis);
  const minute = 60_000;
  clock.advance(10 * minute);
  assert.equal(journal.livedMs(), 10 * minute);
  await journal.append([]);
  clock.advance(5 * minute);
  journal = await openAgain(disk, clock);
  assert.equal(journal.livedMs(), 15 * minute, 'the same boot');
  clock.reboot();
  journal = await openAgain(disk, clock);
  assert.equal(journal.livedMs(), 10 * minute + clock.uptimeMs(), 'what was written, and this boot');
  clock.set(0);
  assert.equal(journal.livedMs(), 10 * minute + clock.uptimeMs(), 'whatever the wall clock says');
});

const makeFolder = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-disk-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

test('files of the state are readable by their owner alone, and are replaced as a whole', async (t) => {
  const folder = join(await makeFolder(t), 'state');
  const disk = nodeDisk(folder);
  assert.equal(await disk.read('journal'), null);
  await disk.replace('journal', Buffer.from('one\n'));
  await disk.append('journal', Buffer.from('two\n'));
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(join(folder, 'journal'))).mode & 0o777, 0o600);
  assert.equal(await disk.exposed('journal'), false);
  await chmod(join(folder, 'journal'), 0o640);
  assert.equal(await disk.exposed('journal'), true);
  // A left-over of a crash is in nobody's way.
  await writeFile(join(folder, 'journal.new'), 'half');
  await disk.replace('journal', Buffer.from('three\n'));
  await disk.append('journal', Buffer.from('four\n'));
  assert.equal(await readFile(join(folder, 'journal'), 'utf8'), 'three\nfour\n');
  await assert.rejects(disk.append('other', Buffer.from('x')), { code: 'ENOENT' });
  await assert.rejects(disk.read('../key.json'), /plain file name/);
  await disk.remove('journal');
  await disk.remove('journal');
  assert.equal(await disk.read('journal'), null);
  await disk.close();
});
