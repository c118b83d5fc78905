import { ok, type Result, refuse } from '../../schema/result.ts';
import type { House } from '../../schema/trust/document.ts';
import { own } from '../../schema/wire/record.ts';
import type { Machine } from '../machine/machine.ts';
import { createRemoteMachine } from '../machine/remote-machine.ts';
import { createConfinedHost } from './confined-host.ts';
import { createContainerExec } from './container-exec.ts';
import type { Outside } from './outside-exec.ts';

export type TargetMachineReason =
  /** It is on another host, or reached in another way. */
  'target_not_ours' | 'guest_not_adopted' | 'guest_missing' | 'guest_mismatch';

/** Finds the machine that is a target of this host: the host itself, or one of its containers as trust pins it. */
export async function findTargetMachine(
  { house, relay }: { readonly house: House; readonly relay: string },
  target: string,
  deps: { readonly outside: Outside; rootOf(vmid: number): Promise<string | null> },
): Promise<Result<Machine, TargetMachineReason>> {
  if (target === relay && own(house.hosts, target) !== undefined) {
    return ok(createConfinedHost(relay, deps.outside));
  }
  const guest = own(house.guests, target);
  if (guest === undefined || guest.host !== relay || guest.kind !== 'lxc') return refuse('target_not_ours');
  const { vmid, identity } = guest;
  if (identity === undefined) return refuse('guest_not_adopted');
  const root = await deps.rootOf(vmid);
  if (root === null) return refuse('guest_missing', `there is no container ${vmid}`);
  if (root !== identity) return refuse('guest_mismatch', `container ${vmid} is not the one that was adopted`);
  return ok(createRemoteMachine(target, createContainerExec({ vmid, identity }, deps.outside, deps.rootOf)));
}
