import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createPctExec } from '../../../relay/machine/pct-exec.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import { runProgram } from '../../../relay/machine/run-program.ts';
import { machineContract } from '../../support/machine-contract.ts';
import { missing } from '../../support/missing.ts';

const base = mkdtempSync(join(tmpdir(), 'writ-pct-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** Stands in for Proxmox VE's `pct`: container 105 is this host, and no other runs. */
const pct = join(base, 'pct');
writeFileSync(
  pct,
  `#!/bin/sh
[ "$1" = exec ] && [ "$3" = -- ] || { echo "unknown command" >&2; exit 255; }
[ "$2" = 105 ] || { echo "container '$2' not running!" >&2; exit 255; }
shift 3; exec "$@"
`,
);
chmodSync(pct, 0o755);

if (process.getuid?.() !== 0) missing('root, to give files to other owners');
else {
  machineContract('a container, by a stand-in for pct', () =>
    Promise.resolve({
      machine: createRemoteMachine('there', createPctExec(runProgram, 105, pct)),
      folder: mkdtempSync(join(base, 'x-')),
    }),
  );
}

test('a container that does not run is out of reach', async () => {
  const off = createRemoteMachine('off', createPctExec(runProgram, 106, pct));
  const asked = await off.stat(['/etc']);
  assert.deepEqual(
    [!asked.ok && asked.reason, !asked.ok && asked.detail],
    ['unreachable', "container '106' not running!"],
  );
  const none = await createRemoteMachine('none', createPctExec(runProgram, 105, join(base, 'none'))).stat([
    '/etc',
  ]);
  assert.equal(!none.ok && none.reason, 'program_missing');
});
