import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureRuntime } from './support/runner/runtime.ts';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** What must hold before tests are worth running, the quickest to say so first. */
const stages: readonly { name: string; command: string; args: readonly string[] }[] = [
  { name: 'format and lint', command: bin('biome'), args: ['check', '--error-on-warnings'] },
  { name: 'types', command: bin('tsc'), args: ['-p', 'tsconfig.json'] },
  {
    name: 'architecture',
    command: process.execPath,
    args: ['--test', '--test-reporter=dot', 'test/architecture/*.test.ts'],
  },
];

/** Runs every stage, also after one that failed, so that one run tells all that is wrong. */
function check(): boolean {
  const failed: string[] = [];
  for (const { name, command, args } of stages) {
    console.log(`\n== ${name}`);
    const startedMs = performance.now();
    const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
    if (done.error !== undefined) console.error(`${command} could not be run: ${done.error.message}`);
    if (done.status !== 0) failed.push(name);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    console.log(`== ${name}: ${done.status === 0 ? 'ok' : 'FAILED'}, ${seconds} s`);
  }
  console.log(failed.length === 0 ? '\nAll checks passed.' : `\nFailed: ${failed.join(', ')}`);
  return failed.length === 0;
}

ensureRuntime();
process.exitCode = check() ? 0 : 1;
