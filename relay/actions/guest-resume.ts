import { ok, refuse } from '../../schema/result.ts';
import { endIsUnknown } from '../drivers/proxmox-errors.ts';
import type { RelayAction } from './action.ts';
import { checkExclusive } from './exclusive.ts';
import { awaitStatus, failedBy, inspect, isRunning, isStopped, observeStatus } from './guest.ts';
import { outcomeOf } from './proxmox-code.ts';

const settleMs = 10_000;
const lostOrderMs = 30_000;

export const guestResume: RelayAction = {
  async precheck(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return sight;
    if (isRunning(sight.value.status)) return ok(true);
    if (isStopped(sight.value.status)) return refuse('guest_not_running', 'it is off: start it');
    return checkExclusive(ctx, sight.value);
  },
  async act(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return failedBy(sight);
    const { proxmox, ref, status } = sight.value;
    if (isRunning(status)) return { state: 'succeeded', result: { already: true } };
    if (isStopped(status)) return { state: 'failed', code: 'guest_not_running' };
    const ordered = await proxmox.resume(ref, { signal: ctx.signal });
    const waitMs = ordered.ok ? settleMs : endIsUnknown(ordered) ? lostOrderMs : 0;
    if (await awaitStatus(ctx, sight.value, ctx.ports.clock.uptimeMs() + waitMs, isRunning)) {
      return { state: 'succeeded', result: { already: false } };
    }
    return ordered.ok ? { state: 'failed', code: 'guest_did_not_resume' } : outcomeOf(ordered);
  },
  observe: (ctx) => observeStatus(ctx, isRunning, { state: 'succeeded', result: { already: false } }),
};
