// npm test [-- [--only FOLDER] [FILE …] [--timeout-min N]]

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { missingFileVariable } from './support/missing.ts';
import { findTestFiles, type Stage, stagesOf, type Wanted } from './support/runner/files.ts';
import { ensureRuntime } from './support/runner/runtime.ts';
import { closingEvents, count, emptyTally, isClosing, passed, type Tally } from './support/runner/tally.ts';
import { watchStage } from './support/runner/watch.ts';
import { sharedDataPresent } from './support/shared-data.ts';

/** Above any test's honest time: one that hangs fails the run instead of holding it for ever. */
const testTimeoutMin = 8;
/** How much longer a process may be silent before its stage is given up. */
const graceMs = 30_000;

const minutes = (ms: number): string => `${(ms / 60_000).toFixed(2)} min`;

const printHeading = (text: string): boolean => process.stdout.write(`\n== ${text}\n`);

type Options = { readonly root: string; readonly only: Wanted; readonly timeoutMs: number };

/** Runs one stage, each file in a process of its own, and hands all but its closing lines to the reporter. */
async function runStage(options: Options, stage: Stage, reporter: Writable, tally: Tally): Promise<void> {
  const controller = new AbortController();
  const watch = watchStage(options.timeoutMs + graceMs, () => controller.abort());
  const events = run({
    cwd: options.root,
    files: stage.files.map((file) => join(options.root, file)),
    isolation: 'process',
    // Guests boot one after the other: the lab's tests share this machine's packages, cgroups and cores.
    concurrency: stage.name === 'lab' ? 1 : Math.min(3, Math.max(2, availableParallelism())),
    timeout: options.timeoutMs,
    signal: controller.signal,
  });
  for await (const event of events) {
    watch.saw(event);
    count(tally, event);
    if (!isClosing(event)) reporter.write(event);
  }
  watch.stop();
  printList('Given up, because nothing was heard of them:', watch.hung());
}

function printList(title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.log(`\n${title}`);
  for (const line of lines) console.log(`  - ${line}`);
}

/** Runs the tests that are asked for; true when nothing failed and none was silently left out. */
async function runTests(options: Options): Promise<boolean> {
  const startedMs = performance.now();
  const stages = stagesOf(findTestFiles(options.root), options.only);
  const folder = mkdtempSync(join(tmpdir(), 'writ-test-'));
  const missingFile = join(folder, 'missing');
  process.env[missingFileVariable] = missingFile;
  const tally = emptyTally();
  const reporter = new spec();
  reporter.pipe(process.stdout, { end: false });
  const times: string[] = [];
  for (const stage of stages) {
    printHeading(`${stage.name}: ${stage.files.length} files`);
    const stageMs = performance.now();
    await runStage(options, stage, reporter, tally);
    times.push(`${stage.name}: ${minutes(performance.now() - stageMs)}`);
    printHeading(times.at(-1)!);
  }
  printHeading(`all tests: ${minutes(performance.now() - startedMs)}`);
  for (const event of closingEvents(tally, performance.now() - startedMs)) reporter.write(event);
  const closed = new Promise((resolve) => reporter.once('end', resolve));
  reporter.end();
  await closed;

  printList('Minutes:', times);
  printList('Left out, with the reason:', tally.left);
  printList('Left out without a reason, which fails the run:', tally.silent);
  printList('Missing on this machine, so what needs it did not run:', readMissing(missingFile));
  rmSync(folder, { recursive: true });
  if (tally.tests === 0)
    console.log(`\nNo test was found${options.only === null ? '' : ` for ${options.only}`}.`);
  console.log(`\nshared data: ${sharedDataPresent() ? 'present' : 'absent'}`);
  console.log(`${tally.pass} passed, ${tally.fail + tally.cancelled} failed`);
  return passed(tally);
}

function readMissing(file: string): string[] {
  try {
    return [...new Set(readFileSync(file, 'utf8').split('\n').filter(Boolean))].sort();
  } catch {
    return [];
  }
}

ensureRuntime();
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, 'timeout-min': { type: 'string', default: String(testTimeoutMin) } },
});
const done = await runTests({
  root: join(import.meta.dirname, '..'),
  only: positionals.length > 0 ? positionals : (values.only ?? null),
  timeoutMs: Number(values['timeout-min']) * 60_000,
});
process.exitCode = done ? 0 : 1;
