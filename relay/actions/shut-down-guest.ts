import type { ProxmoxFailure } from '../drivers/proxmox-errors.ts';
import type { GuestStatus } from '../drivers/proxmox-guests.ts';
import type { ActContext } from './action.ts';
import { interrupted, isStopped, type Subject } from './guest.ts';
import { codeOf, type Trouble } from './proxmox-code.ts';

/** A guest that is booting drops the button press that a shutdown is: so it is pressed again this often. */
const pressEveryS = 30;
const lookEveryMs = 1_000;

/** What no repetition mends. */
const hopeless: ReadonlySet<ProxmoxFailure['reason']> = new Set([
  'pin_mismatch',
  'tls',
  'unauthorized',
  'forbidden',
  'not_found',
  'guest_locked',
  'guest_paused',
  'bad_parameter',
]);

/**
 * Shuts a guest down gracefully and makes sure that it is off: asks again and again until it is, never longer
 * than `timeoutS`, and never cuts its power. Null once it is off; otherwise why not: `guest_did_not_stop`,
 * `interrupted`, or a reason of Proxmox.
 */
export const shutDownGuest = (ctx: ActContext, subject: Subject, timeoutS: number): Promise<Trouble | null> =>
  pressUntil(ctx, subject, timeoutS, isStopped, (pressS) =>
    subject.proxmox.shutdown(subject.ref, { timeoutS: pressS, signal: ctx.signal }),
  );

/** Repeats a graceful order, given its seconds, until the guest is as wanted. */
export async function pressUntil(
  ctx: ActContext,
  { proxmox, ref }: Subject,
  timeoutS: number,
  wanted: (status: GuestStatus) => boolean,
  press: (pressS: number) => Promise<{ readonly ok: true } | ProxmoxFailure>,
): Promise<Trouble | null> {
  const { clock } = ctx.ports;
  const untilMs = clock.uptimeMs() + timeoutS * 1_000;
  const leftMs = (): number => untilMs - clock.uptimeMs();
  for (;;) {
    const pressed = await press(Math.max(1, Math.min(pressEveryS, Math.ceil(leftMs() / 1_000))));
    const status = await proxmox.guestStatus(ref, ctx.signal);
    if (status.ok && wanted(status.value)) return null;
    if (ctx.signal.aborted) return interrupted;
    if (!pressed.ok && hopeless.has(pressed.reason)) {
      // Whether an earlier press still works cannot be told unless the guest can be seen.
      const state = status.ok ? 'failed' : 'unknown';
      return { state, code: codeOf(pressed), detail: pressed.detail };
    }
    if (leftMs() <= 0) {
      if (status.ok) return { state: 'failed', code: 'guest_did_not_stop' };
      return { state: 'unknown', code: codeOf(status), detail: status.detail };
    }
    await clock.sleep(Math.min(lookEveryMs, leftMs()), ctx.signal);
  }
}
