import { ok, type Result } from '../../schema/result.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { blobPath, type Op } from './target-state.ts';

const maxFileBytes = 64 * 1024 * 1024;

/** Does changes in their order, and stops at the first that fails. Doing them again from the first is no harm. */
export async function performOps(machine: Machine, ops: readonly Op[]): Promise<Result<true, MachineReason>> {
  for (const op of ops) {
    const done = await perform(machine, op);
    if (!done.ok) return done;
  }
  return ok(true);
}

async function perform(machine: Machine, op: Op): Promise<Result<true, MachineReason>> {
  switch (op.do) {
    case 'folder':
      return machine.makeFolder(op.path, op);
    case 'listing':
      return machine.setListing(op.path, op);
    case 'link':
      return machine.link(op.path, op.to);
    case 'put': {
      const bytes = await machine.read(blobPath(op.digest), maxFileBytes);
      return bytes.ok ? machine.write(op.path, bytes.value, op) : bytes;
    }
    case 'remove': {
      const gone = await machine.remove(op.path);
      return gone.ok || gone.reason === 'not_empty' ? ok(true) : gone;
    }
  }
}
