import { ok, type Result, refuse } from '../../schema/result.ts';
import type { CheckContext } from './action.ts';
import { refOf, type Subject } from './guest.ts';
import { codeOf } from './proxmox-code.ts';

/**
 * Whether every exclusive resource of the guest is free: no other guest of the house on its host that shares
 * one is anything but stopped. A paused guest holds its devices as well.
 */
export async function checkExclusive(
  ctx: CheckContext,
  { proxmox, guest }: Subject,
): Promise<Result<true, string>> {
  const rivals = Object.entries(ctx.house.guests).filter(
    ([name, other]) =>
      name !== ctx.target &&
      other.host === guest.host &&
      other.exclusive.some((resource) => guest.exclusive.includes(resource)),
  );
  for (const [name, rival] of rivals) {
    const status = await proxmox.guestStatus(refOf(rival), ctx.signal);
    if (!status.ok && status.reason === 'not_found') continue;
    if (!status.ok) return refuse(codeOf(status), status.detail);
    if (status.value.status !== 'stopped') return refuse('exclusive_busy', `${name} holds what it needs`);
  }
  return ok(true);
}
