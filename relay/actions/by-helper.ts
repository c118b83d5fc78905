import { ok, type Result, refuse } from '../../schema/result.ts';
import type { ActHeard } from '../drivers/act-client.ts';
import type { ActOutcome, ActSeen } from '../drivers/act-messages.ts';
import type { ActContext, CheckContext, ObserveContext, Outcome } from './action.ts';
import type { PartEnd } from './apply-part.ts';
import { fetchPart } from './fetch-part.ts';
import { failedBy } from './guest.ts';

/**
 * Whether a target is changed as root of this host: the host itself, and its containers. That is done by a helper, which
 * judges for itself and so need not believe this relay.
 */
export const needsHelper = ({ guest }: CheckContext): boolean => guest === null || guest.kind === 'lxc';

/** The outcome of a step from what came of its part. What could not be put back is not known to be either. */
export function outcomeOfPart(end: PartEnd): Outcome {
  if (end.state === 'succeeded') return { state: 'succeeded', result: { ...end.result } };
  const { code, detail, excerpt, back } = end;
  const sealed = excerpt === undefined ? {} : { excerpt };
  if (back) return { ...failedBy(refuse(code, detail)), ...sealed };
  const said = detail === undefined ? code : `${code}: ${detail}`;
  return { state: 'unknown', code: 'revert_failed', detail: said, ...sealed };
}

/** What the helper sees of a target; a refusal's reason is a code. */
export async function lookByHelper(ctx: CheckContext): Promise<Result<ActSeen, string>> {
  const seen = await ctx.ports.helper.look(ctx.target, ctx.signal);
  return seen.ok ? seen : refuse(codeOf(seen), seen.detail);
}

/** The part is judged here as well, so that what is refused is refused before it is journalled as begun. */
export async function precheckByHelper(ctx: CheckContext): Promise<Result<true, string>> {
  const seen = await lookByHelper(ctx);
  if (!seen.ok) return seen;
  const wanted = await fetchPart(ctx);
  return wanted.ok ? ok(true) : wanted;
}

export async function applyByHelper(ctx: ActContext): Promise<Outcome> {
  if (ctx.signed === null) throw new Error('a release is applied without its order');
  const { blob, helper, watchPath } = ctx.ports;
  const heard = await helper.apply(ctx.signed, {
    blob: (digest) => blob(digest, ctx.signal),
    progress: ctx.progress,
    watchPath,
    signal: ctx.signal,
  });
  if (heard.ok) return outcomeOf(heard.value);
  return nothingBegun.has(heard.reason)
    ? failedBy(refuse(codeOf(heard), heard.detail))
    : settle(ctx, ctx.signed.digest);
}

export const settleByHelper = (ctx: ObserveContext): Promise<Outcome> => settle(ctx, ctx.ordered);

const nothingBegun: ReadonlySet<string> = new Set(['act_missing', 'act_not_permitted', 'act_refused']);

/** A helper that was killed comes back, and a host that has just booted starts its containers. */
const returnMs = 120_000;
const askEveryMs = 2_000;
const passing: ReadonlySet<string> = new Set([
  'act_missing',
  'act_gone',
  'act_interrupted',
  'target_unreachable',
]);

/** Asks what came of an order until that is known, or nobody can tell for too long. */
async function settle(ctx: CheckContext, order: string): Promise<Outcome> {
  const { clock, helper } = ctx.ports;
  const untilMs = clock.uptimeMs() + returnMs;
  for (;;) {
    const heard = await helper.settle(ctx.target, order, ctx.signal);
    if (heard.ok) return outcomeOf(heard.value);
    const code = codeOf(heard);
    // It never heard of it, so that nothing was begun.
    if (code === 'order_unknown') return failedBy(refuse('activation_undone'));
    if (!passing.has(code) || ctx.signal.aborted || clock.uptimeMs() >= untilMs) {
      return failedBy(refuse(code, heard.detail), 'unknown');
    }
    await clock.sleep(askEveryMs, ctx.signal);
  }
}

const outcomeOf = (came: ActOutcome): Outcome =>
  came.state === 'refused' ? failedBy(refuse(came.code, came.detail)) : outcomeOfPart(came);

/** What a receipt says of a helper that was not heard, or that refused. */
function codeOf(trouble: Extract<ActHeard<unknown>, { ok: false }>): string {
  switch (trouble.reason) {
    case 'act_refused':
      return 'code' in trouble ? trouble.code : 'relay_fault';
    case 'aborted':
      return 'activation_timeout';
    default:
      return trouble.reason;
  }
}
