import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { closingEvents, emptyTally, passed, type Tally } from './tally.ts';

const execFileAsync = promisify(execFile);

/** Runs a test file of this text, and gives what was counted and how many closing lines node itself wrote. */
async function tallyOf(text: string): Promise<{ tally: Tally; closing: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-tally-'));
  const file = join(folder, 'sample.test.mjs');
  writeFileSync(file, `import { describe, test } from 'node:test';\n${text}`);
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `
    import { run } from 'node:test';
    import { count, emptyTally, isClosing } from ${JSON.stringify(import.meta.resolve('./tally.ts'))};
    const tally = emptyTally();
    let closing = 0;
    for await (const event of run({ files: [${JSON.stringify(file)}] })) {
      count(tally, event);
      if (isClosing(event)) closing += 1;
    }
    console.log(JSON.stringify({ tally, closing }));`,
  );
  // In a process of its own, without the mark by which a runner inside a test refuses to run.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  try {
    const { stdout } = await execFileAsync(process.execPath, [program], { env });
    return JSON.parse(stdout) as { tally: Tally; closing: number };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('counts tests as node does, and keeps its closing lines back', async () => {
  const { tally, closing } = await tallyOf(
    "test('a', () => {}); describe('s', () => { test('b', () => { throw new Error('no'); }); test('c', () => {}); });",
  );
  assert.deepEqual(
    { tests: tally.tests, suites: tally.suites, pass: tally.pass, fail: tally.fail },
    { tests: 3, suites: 1, pass: 2, fail: 1 },
  );
  assert.equal(passed(tally), false);
  // eight lines, the summary of the file, and that of the run
  assert.equal(closing, 10);
  assert.deepEqual(
    closingEvents(tally, 5).map((event) => (event.data as { message: string }).message),
    ['tests 3', 'suites 1', 'pass 2', 'fail 1', 'cancelled 0', 'skipped 0', 'todo 0', 'duration_ms 5'],
  );
});

test('a run in which all passed may end well', async () => {
  assert.equal(passed((await tallyOf("test('a', () => {});")).tally), true);
});

test('a test that is skipped without a reason fails the run, one with a reason is named', async () => {
  const silent = await tallyOf("test('a', () => {}); test('quiet', { skip: true }, () => {});");
  assert.deepEqual(silent.tally.silent, ['quiet']);
  assert.equal(passed(silent.tally), false);
  const told = await tallyOf("test('a', () => {}); test('later', { todo: 'with the next part' }, () => {});");
  assert.deepEqual(told.tally.left, ['later: with the next part']);
  assert.equal(passed(told.tally), true);
});

test('a file that ends badly, or that cannot be read, fails the run', async () => {
  assert.equal(
    passed(
      (await tallyOf("test('a', () => {}); process.on('exit', () => { process.exitCode = 3; });")).tally,
    ),
    false,
  );
  assert.equal(passed((await tallyOf('this is no program')).tally), false);
});

test('a run without a test fails', () => {
  assert.equal(passed(emptyTally()), false);
});
