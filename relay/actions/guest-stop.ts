import { endIsUnknown } from '../drivers/proxmox-errors.ts';
import type { RelayAction } from './action.ts';
import { awaitStatus, failedBy, inspect, isStopped, observeStatus } from './guest.ts';
import { outcomeOf } from './proxmox-code.ts';

/** How long the end of the guest's process may take after the order. */
const settleMs = 10_000;
const lostOrderMs = 30_000;

export const guestStop: RelayAction = {
  async precheck(ctx) {
    const sight = await inspect(ctx);
    return sight.ok ? { ok: true, value: true } : sight;
  },
  async act(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return failedBy(sight);
    if (isStopped(sight.value.status)) return { state: 'succeeded', result: { already: true } };
    const { proxmox, ref } = sight.value;
    const stopped = await proxmox.stop(ref, { signal: ctx.signal });
    const waitMs = stopped.ok ? settleMs : endIsUnknown(stopped) ? lostOrderMs : 0;
    if (await awaitStatus(ctx, sight.value, ctx.ports.clock.uptimeMs() + waitMs, isStopped)) {
      return { state: 'succeeded', result: { already: false } };
    }
    return stopped.ok ? { state: 'failed', code: 'guest_did_not_stop' } : outcomeOf(stopped);
  },
  observe: (ctx) => observeStatus(ctx, isStopped, { state: 'succeeded', result: { already: false } }),
};
