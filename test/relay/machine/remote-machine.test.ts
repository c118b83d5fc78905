import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createRemoteMachine, type Exec } from '../../../relay/machine/remote-machine.ts';
import { runProgram } from '../../../relay/machine/run-program.ts';
import { ok } from '../../../schema/result.ts';
import { machineContract } from '../../support/machine-contract.ts';
import { missing } from '../../support/missing.ts';

const base = mkdtempSync(join(tmpdir(), 'writ-remote-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** This host as if there was no way to it but what a guest agent offers. */
const here: Exec = {
  maxStdin: 64 * 1024,
  maxStdout: 1024 * 1024,
  async run([program, ...args], { stdin, timeoutMs, signal }) {
    const ran = await runProgram([program!, ...args], {
      stdin: new TextEncoder().encode(stdin),
      timeoutMs,
      maxBytes: 8 * 1024 * 1024,
      ...(signal && { signal }),
    });
    if (!ran.ok) return ran;
    const { code, stdout, stderr } = ran.value;
    return ok({ code, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() });
  },
};

if (process.getuid?.() !== 0) missing('root, to give files to other owners');
else {
  machineContract('a machine that programs are run on', () =>
    Promise.resolve({ machine: createRemoteMachine('there', here), folder: mkdtempSync(join(base, 'x-')) }),
  );
}

test('more folders are looked at than a process may have files open', async () => {
  const folder = mkdtempSync(join(base, 'many-'));
  const paths = Array.from({ length: 600 }, (_, at) => `${folder}/${at}/x`);
  for (const [at, path] of paths.entries()) {
    mkdirSync(join(path, '..'));
    writeFileSync(path, `${at}`);
  }
  const narrow: Exec = {
    ...here,
    maxStdin: 2 * 1024 * 1024,
    run: (argv, options) => here.run(['sh', '-c', 'ulimit -n 400; exec "$@"', 'sh', ...argv], options),
  };
  const digests = await createRemoteMachine('there', narrow).digest(paths);
  assert.ok(digests.ok, JSON.stringify(digests));
  assert.equal(new Set(digests.value).size, 600);
  assert.ok(!digests.value.includes(null));
});

test('threat 7: whatever a machine answers is told as its fault, and is never more than a reason', async () => {
  const answer = (...fields: readonly string[]): string =>
    Buffer.from(fields.map((field) => `${field}\0`).join('')).toString('hex');
  for (const [stdout, reason] of [
    ['', 'machine_error'],
    ['zz', 'machine_error'],
    ['abc', 'machine_error'],
    [answer('K', '999999999999'), 'machine_error'],
    [answer('K', 'Infinity', 'a'), 'machine_error'],
    [answer('X', '0'), 'machine_error'],
    // A pattern with a group for each byte runs out of stack.
    [answer('K', '5000000') + '00'.repeat(5_000_000), 'machine_error'],
    [answer('E', '2', '__proto__', 'x'), 'machine_error'],
    [answer('E', '2', 'constructor', 'x'), 'machine_error'],
    [answer('E', '2', 'ENOENT', 'x'), 'not_found'],
  ] as const) {
    const exec: Exec = { ...here, run: async () => ok({ code: 0, stdout, stderr: '' }) };
    const seen = await createRemoteMachine('there', exec).stat(['/a']);
    assert.equal(seen.ok ? 'ok' : seen.reason, reason, stdout.slice(0, 40));
  }
});
