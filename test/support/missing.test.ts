import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingFileVariable } from './missing.ts';

/** Calls `missing` in a process of its own, as a test file does. */
function run(what: string, file: string | undefined): string {
  const program = `import { missing } from ${JSON.stringify(import.meta.resolve('./missing.ts'))}; missing(${JSON.stringify(what)});`;
  const env = { ...process.env, [missingFileVariable]: file };
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return done.stderr;
}

test('what is missing is gathered for the end of the run, a line each', () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-missing-'));
  try {
    const file = join(folder, 'missing');
    run('haproxy', file);
    run('root,\nfor a small tmpfs ', file);
    assert.equal(readFileSync(file, 'utf8'), 'haproxy\nroot, for a small tmpfs\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a file that is run alone says it itself', () => {
  assert.match(run('haproxy', undefined), /missing on this machine: haproxy/);
});
