import { ok, refuse } from '../../schema/result.ts';
import { endIsUnknown } from '../drivers/proxmox-errors.ts';
import type { ActContext, ObserveContext, Outcome, RelayAction } from './action.ts';
import { awaitAgent } from './await-agent.ts';
import { checkExclusive } from './exclusive.ts';
import { awaitStatus, failedBy, inspect, interrupted, isPaused, isRunning, type Subject } from './guest.ts';
import { outcomeOf } from './proxmox-code.ts';

/** How long a lost order may still take effect. */
const lostOrderMs = 30_000;
/** How long a guest that has started may take until its agent answers. */
const agentWaitMs = 120_000;

export const guestStart: RelayAction = {
  async precheck(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return sight;
    if (isPaused(sight.value.status)) return refuse('guest_paused', 'it is suspended: resume it');
    return isRunning(sight.value.status) ? ok(true) : checkExclusive(ctx, sight.value);
  },
  async act(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return failedBy(sight);
    if (isRunning(sight.value.status)) return { state: 'succeeded', result: { already: true } };
    const { proxmox, ref } = sight.value;
    const started = await proxmox.start(ref, { signal: ctx.signal });
    let already = false;
    if (!started.ok) {
      already = started.reason === 'already_running';
      const untilMs = ctx.ports.clock.uptimeMs() + (endIsUnknown(started) ? lostOrderMs : 0);
      if (!(await awaitStatus(ctx, sight.value, untilMs, isRunning))) return outcomeOf(started);
    }
    return withAgent(ctx, sight.value, ctx.ports.clock.uptimeMs() + agentWaitMs, already);
  },
  async observe(ctx) {
    const sight = await inspect(ctx);
    if (!sight.ok) return failedBy(sight, 'unknown');
    if (!isRunning(sight.value.status)) return interrupted;
    return withAgent(ctx, sight.value, restOfAgentWait(ctx), false);
  },
};

/** A guest that trust expects an agent in has started only once that answers. */
async function withAgent(
  ctx: ActContext | ObserveContext,
  subject: Subject,
  untilMs: number,
  already: boolean,
): Promise<Outcome> {
  const succeeded: Outcome = { state: 'succeeded', result: { already } };
  if (!subject.guest.agent || subject.guest.kind !== 'qemu') return succeeded;
  if ('progress' in ctx) ctx.progress('waiting');
  const code = await awaitAgent(ctx, subject, untilMs);
  if (code === null) return succeeded;
  return { state: code === 'interrupted' ? 'unknown' : 'failed', code };
}

/** An interrupted start is given what is left of its agent's time, but no more of the clock's errors than that. */
function restOfAgentWait(ctx: ObserveContext): number {
  const { clock } = ctx.ports;
  const passedMs = Math.min(Math.max(0, clock.now() - ctx.startedAt), agentWaitMs);
  return clock.uptimeMs() + agentWaitMs - passedMs;
}
