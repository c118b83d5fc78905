import { type GuestPackage, guestPackages } from '../../schema/actions/guest-look.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { lookAtGuest } from '../deploy/prepare.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckContext } from './action.ts';
import { openTarget } from './open-target.ts';
import { codeOfReason } from './release-code.ts';

/** The first Debian whose Podman does what releases ask of it. */
const leastDebian = 13;

/** A guest that can be prepared, and which of the packages it lacks. */
export type SeenGuest = { readonly machine: Machine; readonly lacks: readonly GuestPackage[] };

/** Looks at a guest that runs, and changes nothing. Refuses one that no package of its own Debian would make fit. */
export async function seeGuest(ctx: CheckContext): Promise<Result<SeenGuest, string>> {
  if (ctx.guest === null) return refuse('target_unknown', `${ctx.target} is no guest`);
  if (ctx.guest.kind !== 'qemu') return refuse('guest_by_hand', `${ctx.target} is a container`);
  const machine = await openTarget(ctx);
  if (!machine.ok) return machine;
  const seen = await lookAtGuest(machine.value, ctx.guest.kind);
  if (!seen.ok)
    return refuse(seen.reason === 'aborted' ? 'interrupted' : codeOfReason(seen.reason), seen.detail);
  const { system, debian, lacks } = seen.value;
  if (debian === null) return refuse('guest_not_debian', system);
  if (debian !== 0 && debian < leastDebian) return refuse('guest_too_old', system);
  const unfit = lacks.find((one) => one.is === 'old' || one.package === 'systemd');
  if (unfit !== undefined) return refuse('guest_too_old', `${unfit.program} is ${unfit.found ?? unfit.is}`);
  const names = new Set<string>(lacks.map((one) => one.package));
  return ok({ machine: machine.value, lacks: guestPackages.filter((name) => names.has(name)) });
}
