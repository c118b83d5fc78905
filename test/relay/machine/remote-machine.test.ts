import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
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
