import { ok, refuse } from '../../schema/result.ts';
import { endIsUnknown } from '../drivers/proxmox-errors.ts';
import type { RelayAction } from './action.ts';
import { awaitStatus, failedBy, inspect, isPaused, isStopped, observeStatus } from './guest.ts';
import { checkEnding, type InUse } from './guest-ending.ts';
import { outcomeOf } from './proxmox-code.ts';

const settleMs = 10_000;
const lostOrderMs = 30_000;

/** guest.suspend and guest.suspend-in-use: pauses in memory. Containers cannot be paused. */
export function suspendAction(inUse: InUse): RelayAction {
  return {
    async precheck(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return sight;
      if (sight.value.guest.kind === 'lxc') return refuse('not_for_containers', 'it is a container');
      if (isPaused(sight.value.status)) return ok(true);
      if (isStopped(sight.value.status)) return refuse('guest_not_running', 'it is off');
      return checkEnding(ctx, inUse, sight.value);
    },
    async act(ctx) {
      const sight = await inspect(ctx);
      if (!sight.ok) return failedBy(sight);
      const { proxmox, ref, status } = sight.value;
      if (isPaused(status)) return { state: 'succeeded', result: { already: true } };
      if (isStopped(status)) return { state: 'failed', code: 'guest_not_running' };
      const ordered = await proxmox.suspend(ref, { signal: ctx.signal });
      const waitMs = ordered.ok ? settleMs : endIsUnknown(ordered) ? lostOrderMs : 0;
      if (await awaitStatus(ctx, sight.value, ctx.ports.clock.uptimeMs() + waitMs, isPaused)) {
        return { state: 'succeeded', result: { already: false } };
      }
      return ordered.ok ? { state: 'failed', code: 'guest_did_not_pause' } : outcomeOf(ordered);
    },
    observe: (ctx) => observeStatus(ctx, isPaused, { state: 'succeeded', result: { already: false } }),
  };
}
