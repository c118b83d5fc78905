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

test('it looks into more folders than an agent may have files open', async () => {
  const folders = Array.from({ length: 700 }, (_, index) => join(base, `many/${index}`));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const folder of folders) writeFileSync(join(folder, 'x'), 'x');
  const few: Exec = {
    ...here,
    run: (argv, options) => here.run(['sh', '-c', 'ulimit -n 512; exec "$@"', 'sh', ...argv], options),
  };
  const paths = folders.map((folder) => join(folder, 'x'));
  const machine = createRemoteMachine('there', { ...few, maxStdin: 1024 * 1024 });
  const seen = await machine.look({ read: [], maxBytes: 0, paths, owners: [], units: [] });
  assert.ok(seen.ok, seen.ok ? '' : `${seen.reason}: ${seen.detail}`);
  assert.ok(seen.value.paths.every(({ stat, digest }) => stat?.kind === 'file' && digest !== null));
  assert.ok((await machine.stat(paths)).ok);
});

test('no call takes more than the way does, however long the paths are that files are copied from', async () => {
  const lengths: number[] = [];
  const exec: Exec = {
    ...here,
    maxStdin: 48_000,
    async run(_, { stdin }) {
      lengths.push(stdin.length);
      return ok({ code: 0, stdout: Buffer.from('K\x000\0').toString('hex'), stderr: '' });
    },
  };
  const how = { do: 'copy', mode: '0600', owner: 'root:root' } as const;
  const steps = Array.from({ length: 100 }, (_, index) => ({
    ...how,
    path: `/${index}`,
    from: `/${'x'.repeat(250)}/${'y'.repeat(250)}`,
  }));
  assert.ok((await createRemoteMachine('there', exec).change(steps)).ok);
  assert.ok(lengths.length > 1 && Math.max(...lengths) <= exec.maxStdin, `${lengths}`);
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
