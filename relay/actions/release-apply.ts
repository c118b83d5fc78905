import * as v from 'valibot';
import { releaseApply as card } from '../../schema/actions/release-apply.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { judgeRemoved } from '../../schema/trust/judge-part.ts';
import { activate, revertPending } from '../deploy/activate.ts';
import { type ActivationCode, activationCodes } from '../deploy/codes.ts';
import { readKeptPart, readTargetState } from '../deploy/target-state.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActContext, CheckContext, ObserveContext, Outcome, RelayAction } from './action.ts';
import { fetchPart } from './fetch-part.ts';
import { failedBy } from './guest.ts';
import { openTarget } from './open-target.ts';
import { codeOfReason } from './release-code.ts';

/** A part and all its units may be some megabytes. */
const fetchMs = 120_000;
/** Of the action's time, what an activation gets before it is given up: the rest is for going back. */
const activationMs = 20 * 60_000;
/** A host that has just booted starts its guests, and they their agents. */
const returnMs = 120_000;
const lookEveryMs = 2_000;

export const releaseApply: RelayAction = {
  precheckMs: fetchMs,
  observeMs: card.lifetimeMs,
  async precheck(ctx) {
    const machine = await openTarget(ctx);
    if (!machine.ok) return machine;
    const wanted = await fetchPart(ctx);
    if (!wanted.ok) return wanted;
    const state = await readTargetState(machine.value);
    if (!state.ok) return refuse(codeOfReason(state.reason), state.detail);
    const { current } = state.value;
    if (current === null || current === wanted.value.digest) return ok(true);
    const before = await readKeptPart(machine.value, current);
    if (!before.ok) return refuse(codeOfReason(before.reason), before.detail);
    return judgeRemoved(ctx.paths, before.value, wanted.value.part);
  },
  async act(ctx) {
    const wanted = await fetchPart(ctx);
    if (!wanted.ok) return failedBy(wanted);
    const machine = await openTarget(ctx);
    if (!machine.ok) return failedBy(machine);
    const limit = startLimit(ctx, activationMs);
    const done = await activate(
      {
        machine: machine.value,
        clock: ctx.ports.clock,
        signal: limit.signal,
        blob: (digest) => ctx.ports.blob(digest, limit.signal),
        progress: ctx.progress,
      },
      wanted.value,
      ctx.params.again === true,
    );
    limit.end();
    if (done.state === 'succeeded') return { state: 'succeeded', result: { ...done.result } };
    const refusal = refuse(codeOfReason(done.code), done.detail);
    return done.back ? failedBy(refusal) : notBack(refusal);
  },
  async observe(ctx) {
    const machine = await awaitTarget(ctx);
    if (!machine.ok) return failedBy(machine, 'unknown');
    const state = await readTargetState(machine.value);
    if (!state.ok) return failedBy(refuse(codeOfReason(state.reason), state.detail), 'unknown');
    const { pending, current, quarantined } = state.value;
    const { part } = v.parse(card.params, ctx.params);
    if (pending === null) {
      if (current === part) return { state: 'succeeded', result: { ...nothingCounted } };
      const failure = quarantined.find((one) => one.part === part);
      // A guest's word: only what is a code is told.
      return isCode(failure?.code) ? { state: 'failed', code: codeOfReason(failure.code) } : undone;
    }
    const back = await revertPending({ machine: machine.value }, state.value);
    return back.ok ? undone : notBack(refuse(codeOfReason(back.reason), back.detail));
  },
};

/** What was counted went with the relay that was killed. */
const nothingCounted = { already: false, files: 0, started: 0, restarted: 0, reloaded: 0, stopped: 0 };

const isCode = (code: string | undefined): code is ActivationCode =>
  code !== undefined && Object.hasOwn(activationCodes, code);

const undone: Outcome = { state: 'failed', code: 'activation_undone' };

const notBack = ({ reason, detail }: { reason: string; detail?: string }): Outcome => ({
  state: 'unknown',
  code: 'revert_failed',
  detail: detail === undefined ? reason : `${reason}: ${detail}`,
});

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

/** Waits a moment for a guest that does not run or answer yet. */
async function awaitTarget(ctx: ObserveContext | CheckContext): Promise<Result<Machine, string>> {
  const { clock } = ctx.ports;
  const untilMs = clock.uptimeMs() + returnMs;
  for (;;) {
    const machine = await openTarget(ctx);
    const mayCome = !machine.ok && ['guest_not_running', 'agent_silent'].includes(machine.reason);
    if (!mayCome || ctx.signal.aborted || clock.uptimeMs() >= untilMs) return machine;
    await clock.sleep(lookEveryMs, ctx.signal);
  }
}
