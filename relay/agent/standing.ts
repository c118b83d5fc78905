import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../schema/jose/digest.ts';
import { refuse } from '../../schema/result.ts';
import { standingName } from '../../schema/trust/document.ts';
import { checkStep, findGrant } from '../../schema/trust/evaluate.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import { clockSkewMs, intentLifetimeMs } from '../../schema/wire/limits.ts';
import { own } from '../../schema/wire/record.ts';
import type { Log } from '../log.ts';
import type { StepEntry } from './journal-format.ts';
import { stepKey } from './journal-state.ts';
import { withinLimit } from './limits.ts';
import type { StepBook } from './step-book.ts';
import type { StepRunner } from './step-runner.ts';
import type { JudgeContext, Order, Verdict } from './verify-job.ts';

/** What a relay would do by itself. */
export type StandingStep = Pick<Step, 'action' | 'target' | 'params'>;

/** The order that a relay gives itself: an intent of one step of its own, which nobody signed and nobody is sent. */
export async function standingOrder(ctx: JudgeContext, asked: StandingStep, nonce: string): Promise<Order> {
  const { trust, relay, session, now } = ctx;
  const { home } = trust.document;
  const step: Step = { relay, ...asked, after: [] };
  const intent: Intent = {
    home,
    steps: [step],
    nonce,
    issued_at: now,
    expires: now + intentLifetimeMs,
  };
  const bytes = toBytes(canonicalJson(intent));
  const digest = await digestOf('intent', bytes);
  const job = {
    home,
    relay,
    session,
    seq: 0,
    exp: intent.expires,
    intent: encodeBase64url(bytes),
    authorisation: '',
    step: 0,
    receipts: [],
  };
  return {
    kind: 'intent',
    job,
    intent,
    digest,
    step,
    key: stepKey(digest, 0),
    identity: standingName,
    trust,
  };
}

/**
 * Whether trust lets this relay do a step by itself, now. A document that has expired still says so: what keeps a home as
 * its owner left it must not end because nobody came to sign.
 */
export function judgeStanding(ctx: JudgeContext, order: Order): Verdict {
  const { trust, journal, livedMs, now } = ctx;
  const { action, target } = order.step;
  if (journal.restored) return { kind: 'dropped', reason: 'state_restored' };
  if (now < journal.time - clockSkewMs) return { kind: 'dropped', reason: 'clock_behind' };
  if (order.trust !== trust) return { kind: 'dropped', reason: 'trust_changed' };
  const fits = checkStep(trust, order.step);
  if (!fits.ok) return { kind: 'denied', order, reason: fits.reason };
  const grant = grantOf(trust, action, target);
  if (grant === null) return { kind: 'denied', order, reason: 'not_granted' };
  return withinLimit(grant, standingName, journal.starts, livedMs)
    ? { kind: 'allowed', order }
    : { kind: 'denied', order, ...refuse('limit_reached') };
}

/** Does a step that nobody ordered; `stand` of executor-contract.ts, over the executor's own parts. */
export async function standAlone(
  parts: {
    context(): JudgeContext;
    readonly runner: Pick<StepRunner, 'precheck'>;
    readonly book: Pick<StepBook, 'start'>;
    readonly log: Pick<Log, 'warn'>;
    /** Holds the locks of a step, if nobody else does or waits to. */
    claim(order: Order): boolean;
    begin(order: Order, entry: StepEntry): void;
    release(key: string): void;
  },
  asked: StandingStep,
  nonce: string,
): Promise<boolean> {
  const { context, log } = parts;
  const order = await standingOrder(context(), asked, nonce);
  const leave = (code: string): false => {
    log.warn('not_done_by_itself', { action: asked.action, target: asked.target, code });
    return false;
  };
  const verdict = judgeStanding(context(), order);
  if (verdict.kind !== 'allowed') return leave('reason' in verdict ? verdict.reason : verdict.kind);
  // What is at work there may be what makes the difference; it is looked at again.
  if (!parts.claim(order)) return false;
  let hasBegun = false;
  try {
    const checked = await parts.runner.precheck(order);
    if (!checked.ok) return leave(checked.reason);
    const started = await parts.book.start(order, () => judgeStanding(context(), order));
    if (!started.ok) return leave('reason' in started ? started.reason : started.verdict.kind);
    hasBegun = true;
    parts.begin(order, started.value);
    return true;
  } catch (error) {
    log.warn('relay_fault', { where: 'standing', fault: String(error).slice(0, 200) });
    return false;
  } finally {
    if (!hasBegun) parts.release(order.key);
  }
}

const grantOf = (trust: Trust, action: string, target: string): TrustGrant | null =>
  own(trust.document.identities, standingName)?.kind === 'standing'
    ? findGrant(trust, standingName, action, target)
    : null;

/** Whether trust lets relays do an action on a target by themselves, as often as its limit says. */
export const mayStand = (trust: Trust, action: string, target: string): boolean =>
  grantOf(trust, action, target) !== null;
