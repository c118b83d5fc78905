import * as v from 'valibot';
import { releaseApply as card } from '../../schema/actions/release-apply.ts';
import type { Result } from '../../schema/result.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActContext, CheckContext, ObserveContext, RelayAction } from './action.ts';
import { applyPart, judgeSwitch, settlePart } from './apply-part.ts';
import { applyByHelper, needsHelper, outcomeOfPart, precheckByHelper, settleByHelper } from './by-helper.ts';
import { fetchPart } from './fetch-part.ts';
import { failedBy } from './guest.ts';
import { openTarget } from './open-target.ts';

/** A part and all its units may be some megabytes. */
const fetchMs = 120_000;
/** Of the action's time, what an activation gets before it is given up: the rest is for going back. */
const activationMs = 20 * 60_000;
/** A host that has just booted starts its guests, and they their agents. */
const returnMs = 120_000;
/** A guest that has just started runs before its agent answers: the order would be lost, for it is taken once. */
const agentMs = 90_000;
const lookEveryMs = 2_000;

export const releaseApply: RelayAction = {
  precheckMs: fetchMs + agentMs,
  observeMs: card.lifetimeMs,
  async precheck(ctx) {
    if (needsHelper(ctx)) return precheckByHelper(ctx);
    const machine = await awaitTarget(ctx, agentMs, ['agent_silent']);
    if (!machine.ok) return machine;
    const wanted = await fetchPart(ctx);
    return wanted.ok ? judgeSwitch(machine.value, ctx.paths, wanted.value) : wanted;
  },
  async act(ctx) {
    if (needsHelper(ctx)) return applyByHelper(ctx);
    const wanted = await fetchPart(ctx);
    if (!wanted.ok) return failedBy(wanted);
    const machine = await openTarget(ctx);
    if (!machine.ok) return failedBy(machine);
    const limit = startLimit(ctx, activationMs);
    const end = await applyPart(
      {
        machine: machine.value,
        clock: ctx.ports.clock,
        signal: limit.signal,
        blob: (digest) => ctx.ports.blob(digest, limit.signal),
        progress: ctx.progress,
        watchPath: ctx.ports.watchPath,
        recipients: ctx.recipients,
        leaves: ctx.ports.leaves,
      },
      wanted.value,
      ctx.params.again === true,
    );
    limit.end();
    return outcomeOfPart(end);
  },
  async observe(ctx) {
    if (needsHelper(ctx)) return settleByHelper(ctx);
    const machine = await awaitTarget(ctx, returnMs, ['guest_not_running', 'agent_silent']);
    if (!machine.ok) return failedBy(machine, 'unknown');
    const end = await settlePart(machine.value, v.parse(card.params, ctx.params).part);
    return end.ok ? outcomeOfPart(end.value) : failedBy(end, 'unknown');
  },
};

/** A signal that ends with the step's own, after some time, or at `end`. */
function startLimit(ctx: ActContext, ms: number): { readonly signal: AbortSignal; end(): void } {
  const over = new AbortController();
  const abort = (): void => over.abort();
  if (ctx.signal.aborted) abort();
  ctx.signal.addEventListener('abort', abort);
  void ctx.ports.clock.sleep(ms, over.signal).then(abort);
  return {
    signal: over.signal,
    end() {
      abort();
      ctx.signal.removeEventListener('abort', abort);
    },
  };
}

/** Waits a moment for a guest that cannot be opened for a reason that passes. */
async function awaitTarget(
  ctx: ObserveContext | CheckContext,
  withinMs: number,
  passing: readonly string[],
): Promise<Result<Machine, string>> {
  const { clock } = ctx.ports;
  const untilMs = clock.uptimeMs() + withinMs;
  for (;;) {
    const machine = await openTarget(ctx);
    const mayCome = !machine.ok && passing.includes(machine.reason);
    if (!mayCome || ctx.signal.aborted || clock.uptimeMs() >= untilMs) return machine;
    await clock.sleep(lookEveryMs, ctx.signal);
  }
}
