import * as v from 'valibot';
import { defaultPatienceS, patienceParams } from '../../schema/actions/action.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { CheckContext, RelayAction } from './action.ts';
import {
  awaitStatus,
  failedBy,
  inspect,
  interrupted,
  isPaused,
  isStopped,
  observeStatus,
  type Sight,
} from './guest.ts';
import { checkUnused } from './in-use.ts';
import { pressUntil, shutDownGuest } from './shut-down-guest.ts';

/** `refuses`: the mild form. `overrides`: the action of its own without the check. */
export type InUse = 'refuses' | 'overrides';

/** How long a graceful action waits, in seconds. The executor has checked the shape already. */
export const patienceOf = (ctx: CheckContext): number =>
  v.parse(patienceParams, ctx.params).timeout_s ?? defaultPatienceS;

/** What every action that takes a running guest from its users looks at first. */
export async function checkEnding(
  ctx: CheckContext,
  inUse: InUse,
  { proxmox, guest, status }: Sight,
): Promise<Result<true, string>> {
  return inUse === 'overrides' ? ok(true) : checkUnused(proxmox, guest, status, ctx.signal);
}

/** guest.shutdown and guest.shutdown-in-use. */
export function shutdownAction(inUse: InUse): RelayAction {
  return {
    async precheck(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return sight;
      if (isStopped(sight.value.status)) return ok(true);
      if (isPaused(sight.value.status)) return refuse('guest_paused', 'it is suspended: resume it first');
      return checkEnding(ctx, inUse, sight.value);
    },
    async act(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return failedBy(sight);
      if (isStopped(sight.value.status)) return { state: 'succeeded', result: { already: true } };
      ctx.progress('waiting');
      const trouble = await shutDownGuest(ctx, sight.value, patienceOf(ctx));
      return trouble ?? { state: 'succeeded', result: { already: false } };
    },
    observe: (ctx) => observeStatus(ctx, isStopped, { state: 'succeeded', result: { already: false } }),
  };
}

const returnMs = 60_000;

/** guest.reboot and guest.reboot-in-use. */
export function rebootAction(inUse: InUse): RelayAction {
  return {
    async precheck(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return sight;
      if (isStopped(sight.value.status)) return refuse('guest_not_running', 'it is off: start it');
      if (isPaused(sight.value.status)) return refuse('guest_paused', 'it is suspended: resume it first');
      return checkEnding(ctx, inUse, sight.value);
    },
    async act(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return failedBy(sight);
      const { proxmox, ref, status } = sight.value;
      if (isStopped(status)) return { state: 'failed', code: 'guest_not_running' };
      const { clock } = ctx.ports;
      const orderedAt = clock.uptimeMs();
      /** The guest's own uptime counts whole seconds; younger than this order, it has booted since. */
      const hasRebooted = (now: typeof status): boolean =>
        now.status === 'running' &&
        (now.uptimeS < status.uptimeS || (now.uptimeS + 1) * 1_000 <= clock.uptimeMs() - orderedAt);
      ctx.progress('waiting');
      let taken = false;
      const trouble = await pressUntil(
        ctx,
        sight.value,
        patienceOf(ctx),
        (now) => taken || isStopped(now) || hasRebooted(now),
        async (timeoutS) => {
          const pressed = await proxmox.reboot(ref, { timeoutS, signal: ctx.signal });
          taken = pressed.ok;
          return pressed;
        },
      );
      if (trouble !== null) return trouble;
      // Proxmox VE starts the guest again in a moment of its own, after the task's end.
      const untilMs = clock.uptimeMs() + returnMs;
      const back = await awaitStatus(ctx, sight.value, untilMs, hasRebooted);
      if (back) return { state: 'succeeded', result: {} };
      return ctx.signal.aborted ? interrupted : { state: 'failed', code: 'guest_did_not_return' };
    },
    observe: (ctx) => {
      const sinceMs = Math.max(0, ctx.ports.clock.now() - ctx.startedAt);
      return observeStatus(
        ctx,
        (status) => status.status === 'running' && (status.uptimeS + 1) * 1_000 <= sinceMs,
        {
          state: 'succeeded',
          result: {},
        },
      );
    },
  };
}
