import { ok, type Result, refuse } from '../../schema/result.ts';
import type { TrustGuest } from '../../schema/trust/document.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import { type GuestRef, type GuestStatus, isPinned } from '../drivers/proxmox-guests.ts';
import type { CheckContext, Outcome } from './action.ts';
import { codeOf, type Trouble } from './proxmox-code.ts';

export const refOf = (guest: TrustGuest): GuestRef => ({ kind: guest.kind, vmid: guest.vmid });

/** The guest of a step and the Proxmox that runs it. */
export type Subject = { readonly proxmox: Proxmox; readonly guest: TrustGuest; readonly ref: GuestRef };

export function subjectOf(ctx: CheckContext): Result<Subject, string> {
  if (ctx.guest === null) return refuse('target_unknown', `${ctx.target} is no guest`);
  if (ctx.ports.proxmox === null) return refuse('proxmox_not_configured', 'this relay knows no Proxmox');
  return ok({ proxmox: ctx.ports.proxmox, guest: ctx.guest, ref: refOf(ctx.guest) });
}

/**
 * Whether the guest at a VMID is the one that the owner adopted: a VMID alone is reused as soon as its guest
 * is destroyed.
 */
export async function checkIdentity(
  proxmox: Proxmox,
  guest: TrustGuest,
  signal: AbortSignal,
): Promise<Result<true, string>> {
  if (guest.identity === undefined) {
    return refuse('guest_not_adopted', 'the trust document has no identity of this guest');
  }
  const found = await proxmox.guestIdentity(refOf(guest), signal);
  if (!found.ok) return refuse(codeOf(found), found.detail);
  return isPinned(found.value, guest.identity)
    ? ok(true)
    : refuse('guest_mismatch', `VMID ${guest.vmid} is not the guest that was adopted`);
}

export type Sight = Subject & { readonly status: GuestStatus };

/** Makes sure of the guest and looks at what it does. */
export async function inspect(ctx: CheckContext): Promise<Result<Sight, string>> {
  const subject = subjectOf(ctx);
  if (!subject.ok) return subject;
  const { proxmox, guest, ref } = subject.value;
  const same = await checkIdentity(proxmox, guest, ctx.signal);
  if (!same.ok) return same;
  const status = await proxmox.guestStatus(ref, ctx.signal);
  if (!status.ok) return refuse(codeOf(status), status.detail);
  return ok({ ...subject.value, status: status.value });
}

export const isRunning = (status: GuestStatus): boolean => status.status === 'running' && !status.paused;
export const isStopped = (status: GuestStatus): boolean => status.status === 'stopped';
export const isPaused = (status: GuestStatus): boolean => status.status === 'running' && status.paused;

const lookEveryMs = 1_000;

/** Looks until the guest is as wanted. False when it was not by the time (uptime in ms) or the signal. */
export async function awaitStatus(
  ctx: CheckContext,
  { proxmox, ref }: Subject,
  untilMs: number,
  wanted: (status: GuestStatus) => boolean,
): Promise<boolean> {
  const { clock } = ctx.ports;
  for (;;) {
    const status = await proxmox.guestStatus(ref, ctx.signal);
    if (status.ok && wanted(status.value)) return true;
    const leftMs = untilMs - clock.uptimeMs();
    if (leftMs <= 0 || ctx.signal.aborted) return false;
    await clock.sleep(Math.min(lookEveryMs, leftMs), ctx.signal);
  }
}

/** For refusals inside `act` and `observe`, which have outcomes. */
export const failedBy = (
  refusal: { readonly reason: string; readonly detail?: string },
  state: 'failed' | 'unknown' = 'failed',
): Trouble => ({
  state,
  code: refusal.reason,
  ...(refusal.detail !== undefined && { detail: refusal.detail }),
});

/** The end of a step that a restart of the relay cut short, and whose effect may still come. */
export const interrupted: Trouble = { state: 'unknown', code: 'interrupted' };

/** `observe` for a step after which the guest is as `wanted`: that, or nobody can tell. */
export async function observeStatus(
  ctx: CheckContext,
  wanted: (status: GuestStatus) => boolean,
  succeeded: Outcome,
): Promise<Outcome> {
  const sight = await inspect(ctx);
  if (!sight.ok) return failedBy(sight, 'unknown');
  return wanted(sight.value.status) ? succeeded : interrupted;
}
