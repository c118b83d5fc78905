import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findTestFiles } from '../support/runner/files.ts';
import { ensureRuntime } from '../support/runner/runtime.ts';

const root = join(import.meta.dirname, '..', '..');

/** How much more than in CI; the tests read these and print what they did. */
const counts = {
  WRIT_TRACES: process.env.WRIT_TRACES ?? '1000000',
  WRIT_KILLS: process.env.WRIT_KILLS ?? '50',
  /** In each of the phases of an activation: more than 200 in all. */
  WRIT_FAULTS: process.env.WRIT_FAULTS ?? '16',
  WRIT_SOAK_MIN: process.env.WRIT_SOAK_MIN ?? '30',
  /** Of each target. */
  WRIT_FUZZ_S: process.env.WRIT_FUZZ_S ?? '600',
  WRIT_SEED: process.env.WRIT_SEED ?? String(crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1),
};

const commit = (): string => {
  const answer = spawnSync('git', ['describe', '--always', '--dirty', '--abbrev=40'], {
    cwd: root,
    encoding: 'utf8',
  });
  return answer.status === 0 ? answer.stdout.trim() : 'unknown (no git)';
};

/** The adversary, the tests that kill processes, faults in activations, and those that run for long under load. */
const wanted = {
  adversary: (file: string): boolean => file.startsWith('test/adversary/'),
  kill: (file: string): boolean => /\bkill/.test(file),
  faults: (file: string): boolean => file.endsWith('/activation-faults.test.ts'),
  soak: (file: string): boolean => file.startsWith('test/long/'),
};

/** Runs the long tests, in one run of the test runner, then fuzzes; true when all passed. */
function runLong(): boolean {
  const all = findTestFiles(root);
  const missing = Object.entries(wanted).filter(([, isOne]) => !all.some(isOne));
  for (const [name] of missing) console.error(`There is no ${name} test.`);
  const facts = Object.entries(counts).map(([name, value]) => `${name}=${value}`);
  console.log(`commit ${commit()}\n${facts.join(' ')}`);
  const files = all.filter((file) => Object.values(wanted).some((isOne) => isOne(file)));
  const args = ['test/run.ts', '--timeout-min', '1440', ...files];
  const done = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...counts },
  });
  const fuzzed = spawnSync(process.execPath, ['test/fuzz/main.ts'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...counts },
  });
  const isDone = done.status === 0 && fuzzed.status === 0;
  console.log(`commit ${commit()}\n${facts.join(' ')}\n${isDone ? 'passed' : 'FAILED'}`);
  return isDone && missing.length === 0;
}

ensureRuntime();
process.exitCode = runLong() ? 0 : 1;
