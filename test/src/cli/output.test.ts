import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const programs = [
  { name: 'writ', line: ['src/cli/main.ts', '--help'] },
  { name: 'writ-relay', line: ['relay/main.ts', 'help'] },
] as const;

/** A device that is always full. */
function openFull(t: TestContext): number {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  return full;
}

for (const { name, line } of programs) {
  test(`${name} says that not all could be printed, without a stack`, (t) => {
    const ran = spawnSync(process.execPath, line, {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', openFull(t), 'pipe'],
    });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /Not all could be printed: .*no space left/);
    assert.doesNotMatch(ran.stderr, /\n\s+at /);
  });

  test(`a reader of ${name} that goes away is no error`, () => {
    const script = 'set -o pipefail; "$@" | true';
    const ran = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...line], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.deepEqual([ran.status, ran.stderr], [0, '']);
  });
}
