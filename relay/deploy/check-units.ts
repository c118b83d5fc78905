import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { blobPath, type Op } from './target-state.ts';

const unitFolder = '/etc/containers/systemd';
const checkFolder = '/run/writ-check';
const generator = '/usr/lib/systemd/system-generators/podman-system-generator';
const maxBytes = 4 * 1024 * 1024;
const timeoutMs = 60_000;

export type CheckReason = MachineReason | 'unit_invalid' | 'podman_missing';

const isUnitPath = (path: string): boolean => path.startsWith(`${unitFolder}/`);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Lets the target's own Quadlet generator judge the whole folder as it would become: one file that cannot be read
 * would take every unit away at the next reload (podman-systemd.unit(5); seen with Podman 5.4).
 */
export async function checkUnits(machine: Machine, ops: readonly Op[]): Promise<Result<true, CheckReason>> {
  const changes = ops.filter((op) => isUnitPath(op.path));
  if (changes.length === 0) return ok(true);
  const run = (...argv: [string, ...string[]]) => machine.run(argv, { timeoutMs, maxBytes });
  await run('rm', '-rf', '--', checkFolder);
  try {
    const [there] = (await machine.stat([unitFolder]).then((one) => (one.ok ? one.value : []))) as [unknown];
    const copied = await (there === null || there === undefined
      ? run('mkdir', '-p', checkFolder)
      : run('cp', '-a', '--', unitFolder, checkFolder));
    if (!copied.ok) return copied;
    for (const op of changes) {
      const done = await applyTo(machine, op);
      if (!done.ok) return done;
    }
    const judged = await machine.run([generator, '--dryrun'], {
      timeoutMs,
      maxBytes,
      env: { QUADLET_UNIT_DIRS: checkFolder },
    });
    if (!judged.ok) {
      return judged.reason === 'program_missing'
        ? refuse('podman_missing', `${machine.name} has no ${generator}`)
        : judged;
    }
    const faults = text(judged.value.stderr)
      .split('\n')
      .filter((line) => /converting "|error loading "|panic:/.test(line));
    if (judged.value.code === 0 && faults.length === 0) return ok(true);
    const said = faults.length > 0 ? faults.join('; ') : text(judged.value.stderr).trim();
    return refuse('unit_invalid', said.replaceAll(checkFolder, unitFolder).slice(0, 500));
  } finally {
    await run('rm', '-rf', '--', checkFolder);
  }
}

async function applyTo(machine: Machine, op: Op): Promise<Result<true, MachineReason>> {
  const path = `${checkFolder}${op.path.slice(unitFolder.length)}`;
  const plain = { mode: '0755', owner: 'root:root' };
  switch (op.do) {
    case 'folder':
      return machine.makeFolder(path, plain);
    case 'remove': {
      const gone = await machine.remove(path);
      return gone.ok || gone.reason === 'not_empty' ? ok(true) : gone;
    }
    case 'put': {
      const bytes = await machine.read(blobPath(op.digest), maxBytes);
      return bytes.ok ? machine.write(path, bytes.value, { mode: '0644', owner: 'root:root' }) : bytes;
    }
    case 'listing':
    case 'link':
      return ok(true);
  }
}
