import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createContainerExec } from '../../../relay/act/container-exec.ts';
import type { Outside } from '../../../relay/act/outside-exec.ts';
import { createRemoteMachine } from '../../../relay/machine/remote-machine.ts';
import { runProgram } from '../../../relay/machine/run-program.ts';
import { machineContract } from '../../support/machine-contract.ts';
import { missing } from '../../support/missing.ts';

const standIn = join(import.meta.dirname, '../../support/pct-stand-in.sh');
const base = mkdtempSync(join(tmpdir(), 'writ-container-'));
after(() => rmSync(base, { recursive: true, force: true }));

/** What was run, in place of systemd: the stand-in where it is pct. */
const outsideOf =
  (seen: (readonly string[])[] = []): Outside =>
  (argv, options) => {
    seen.push(argv);
    const [program, ...words] = argv;
    return program === 'pct'
      ? runProgram(['sh', standIn, ...words], options)
      : runProgram([program!, ...words], options);
  };

const container = { vmid: 110, identity: 'local-lvm:vm-110-disk-0' };
const rootOf = async (vmid: number): Promise<string | null> =>
  vmid === 110 ? 'local-lvm:vm-110-disk-0' : null;

if (process.getuid?.() !== 0) missing('root, for the stand-in for pct and its namespaces');
else {
  machineContract('a container by a stand-in for pct in namespaces', () =>
    Promise.resolve({
      machine: createRemoteMachine('files', createContainerExec(container, outsideOf(), rootOf)),
      folder: mkdtempSync(join(base, 'x-')),
    }),
  );

  test('what pct (a stand-in) says of a container that does not run is told as such', async () => {
    const exec = createContainerExec({ vmid: 111, identity: 'x' }, outsideOf(), async () => 'x');
    const ran = await createRemoteMachine('files', exec).stat(['/etc/hostname']);
    assert.equal(ran.ok ? 'ok' : ran.reason, 'unreachable');
    assert.match(ran.ok ? '' : ran.detail!, /111\.conf' does not exist/);
  });
}

test('threat 8: nothing is run in a container that is not the pinned one', async () => {
  const seen: (readonly string[])[] = [];
  let root: string | null = 'local-lvm:vm-110-disk-1';
  const machine = createRemoteMachine(
    'files',
    createContainerExec(container, outsideOf(seen), async () => root),
  );
  for (root of ['local-lvm:vm-110-disk-1', null, '']) {
    const done = await machine.write('/etc/x', new Uint8Array(), { mode: '0644', owner: 'root:root' });
    assert.equal(done.ok ? 'ok' : done.reason, 'unreachable');
  }
  assert.deepEqual(seen, []);
});

test('threat 16: a container is entered by an argv of words, its number among them', async () => {
  const seen: (readonly string[])[] = [];
  const outside: Outside = async (argv) => {
    seen.push(argv);
    return { ok: false, reason: 'unreachable' };
  };
  const exec = createContainerExec(container, outside, rootOf);
  await exec.run(['printf', '$(reboot)', '; id', '--'], { stdin: '', timeoutMs: 1_000 });
  assert.deepEqual(seen, [
    ['pct', 'exec', '110', '--keep-env', '0', '--', 'printf', '$(reboot)', '; id', '--'],
  ]);
});
