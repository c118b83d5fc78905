import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestOf } from '../../schema/jose/digest.ts';
import { type JwsRefusal, verifyJws } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { controllerName } from '../../schema/trust/document.ts';
import {
  evaluateIntent,
  findGrant,
  keyOf,
  nameOfKey,
  type PolicyRefusal,
} from '../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../schema/trust/read.ts';
import type { GithubView } from '../../schema/trust/verify-order.ts';
import { authorisationSchema, type Intent, parseIntent, type Step } from '../../schema/wire/intent.ts';
import { type Job, jobSchema } from '../../schema/wire/job.ts';
import { clockSkewMs, jobLifetimeMs, maxAuthorisationBytes, maxJobBytes } from '../../schema/wire/limits.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import { type JournalState, stepKey } from './journal-state.ts';
import { withinLimit } from './limits.ts';
import { checkAfter } from './receipts.ts';
import {
  judgeOrder,
  type OrderDenyReason,
  type OrderDropReason,
  type OrderedPart,
  type OrderVerdict,
  type ReleaseContext,
  weighOrder,
} from './verify-release.ts';

/** All that a job is judged by. Nothing here comes from the controller. */
export type JudgeContext = {
  readonly trust: Trust;
  readonly relay: string;
  /** Thumbprint of this relay's own key, which trust must name as the relay's. */
  readonly kid: string;
  /** The nonce of this run. */
  readonly session: string;
  readonly journal: JournalState;
  /** With what tokens of GitHub's are verified, and when each was first seen here; null: none is taken. */
  readonly github: Omit<GithubView, 'now'> | null;
  readonly livedMs: number;
  readonly now: number;
};

export type EnvelopeRefusal =
  | 'not_admitted'
  | JwsRefusal
  | 'job_home'
  | 'job_relay'
  | 'job_session'
  | 'job_replayed'
  | 'job_expired';

/** Reasons for which a job is left alone: nothing of it counts as said by an authority, or as said now. */
export type DropReason =
  | EnvelopeRefusal
  | OrderDropReason
  | 'state_restored'
  | 'clock_behind'
  | 'trust_changed'
  | 'intent_malformed'
  | 'intent_expired';

/** Reasons for which an authorised step is denied for good. */
export type DenyReason = PolicyRefusal | OrderDenyReason | 'after_unmet' | 'limit_reached';

type VerifiedStep = {
  readonly job: Job;
  /** Of the bytes that were authorised. */
  readonly digest: Digest;
  readonly step: Step;
  readonly key: string;
  /** The identity that authorised the whole. */
  readonly identity: string;
  /** The document that the signatures were verified with. */
  readonly trust: Trust;
};

/** A step that an authority ordered, with all that was verified of it. */
export type Order =
  | (VerifiedStep & { readonly kind: 'intent'; readonly intent: Intent })
  | (VerifiedStep & {
      readonly kind: 'release';
      readonly release: ReleaseOrder;
      /** What the grant lets the release touch on the step's target. */
      readonly paths: readonly string[];
    });

export type Verdict =
  | { readonly kind: 'dropped'; readonly reason: DropReason; readonly detail?: string }
  | { readonly kind: 'consumed'; readonly order: Order }
  | { readonly kind: 'denied'; readonly reason: DenyReason; readonly detail?: string; readonly order: Order }
  | { readonly kind: 'allowed'; readonly order: Order };

type Dropped = Result<true, DropReason>;

/**
 * Verifies the controller's envelope: size, signature, and that it is for this relay in this run, new, and on
 * its way for no longer than a job may be.
 *
 * @param seen the highest number of a job in this run
 */
export async function verifyEnvelope(
  ctx: JudgeContext,
  text: string,
  seen: number,
): Promise<Result<Job, EnvelopeRefusal>> {
  const { trust, now } = ctx;
  const own = trust.document.identities[ctx.relay];
  if (own?.kind !== 'relay' || trust.identities.get(ctx.kid)?.name !== ctx.relay) {
    return refuse('not_admitted', 'trust does not name this relay with its key');
  }
  const verified = await verifyJws('job', text, {
    maxBytes: maxJobBytes,
    findKey: keyOf(trust, 'key', controllerName),
    schema: jobSchema,
  });
  if (!verified.ok) return verified;
  const job = verified.value.payload;
  if (job.home !== trust.document.home) return refuse('job_home');
  if (job.relay !== ctx.relay) return refuse('job_relay');
  if (job.session !== ctx.session) return refuse('job_session');
  if (job.seq <= seen) return refuse('job_replayed', `number ${job.seq}, seen ${seen}`);
  if (job.exp <= now || job.exp > now + jobLifetimeMs + clockSkewMs) return refuse('job_expired');
  return ok(job);
}

/** Whether anything may be ordered at all now. */
function checkMoment(ctx: JudgeContext): Dropped {
  if (ctx.journal.restored) return refuse('state_restored');
  if (ctx.now < ctx.journal.time - clockSkewMs) {
    return refuse('clock_behind', `journalled ${ctx.journal.time}, now ${ctx.now}`);
  }
  if (trustExpired(ctx.trust, ctx.now)) return refuse('trust_expired');
  return ok(true);
}

function checkLifetime(ctx: JudgeContext, intent: Intent): Dropped {
  if (intent.home !== ctx.trust.document.home) return refuse('intent_home');
  if (intent.expires <= ctx.now || intent.expires <= ctx.journal.forgotten) return refuse('intent_expired');
  if (intent.issued_at > ctx.now + clockSkewMs) return refuse('intent_not_yet');
  if (intent.issued_at < ctx.journal.notBefore) return refuse('intent_before_enrolment');
  return ok(true);
}

const dropped = (refusal: { reason: DropReason; detail?: string }): Verdict => ({
  kind: 'dropped',
  reason: refusal.reason,
  ...(refusal.detail !== undefined && { detail: refusal.detail }),
});

const denied = (order: Order, refusal: { reason: DenyReason; detail?: string }): Verdict => ({
  kind: 'denied',
  order,
  reason: refusal.reason,
  ...(refusal.detail !== undefined && { detail: refusal.detail }),
});

/**
 * Judges the step that a verified envelope carries, by the trust document alone: the authority's signature over
 * the very bytes, then what they say. Changes nothing; equal contexts and jobs have equal verdicts.
 */
export async function judgeJob(ctx: JudgeContext, job: Job): Promise<Verdict> {
  const moment = checkMoment(ctx);
  if (!moment.ok) return dropped(moment);
  return job.kind === 'release' ? judgeRelease(ctx, job) : judgeIntent(ctx, job);
}

async function judgeIntent(ctx: JudgeContext, job: Job): Promise<Verdict> {
  const { trust } = ctx;
  const bytes = decodeBase64url(job.intent);
  if (!bytes.ok) return dropped(refuse('intent_malformed', 'not canonical base64url'));
  const authorisation = await verifyJws('intent', job.authorisation, {
    maxBytes: maxAuthorisationBytes,
    findKey: keyOf(trust, 'key'),
    schema: authorisationSchema,
  });
  if (!authorisation.ok) return dropped(refuse('authorisation_invalid', authorisation.reason));
  const { payload, key: signer } = authorisation.value;
  if (payload.home !== trust.document.home) return dropped(refuse('authorisation_home'));
  const digest = await digestOf('intent', bytes.value);
  if (payload.digest !== digest) return dropped(refuse('authorisation_digest'));

  const parsed = parseIntent(bytes.value);
  if (!parsed.ok) return dropped(parsed);
  const intent = parsed.value;
  const lifetime = checkLifetime(ctx, intent);
  if (!lifetime.ok) return dropped(lifetime);
  const step = intent.steps[job.step];
  if (step === undefined) return dropped(refuse('step_unknown'));
  if (step.relay !== ctx.relay) return dropped(refuse('step_not_ours'));

  // A key is only found for an identity that trust names.
  const identity = nameOfKey(trust, signer.kid)!;
  const key = stepKey(digest, job.step);
  const order: Order = { kind: 'intent', job, intent, digest, step, key, identity, trust };
  if (ctx.journal.steps.has(order.key)) return { kind: 'consumed', order };

  const policy = evaluateIntent(trust, identity, intent);
  if (!policy.ok) return denied(order, policy);
  const after = await checkAfter(trust, { intent, digest, after: step.after }, job.receipts);
  if (!after.ok) return denied(order, after);
  if (!limitAllows(ctx, order)) return denied(order, refuse('limit_reached'));
  return { kind: 'allowed', order };
}

const releaseContext = ({ trust, relay, now, journal, github }: JudgeContext): ReleaseContext => ({
  trust,
  github: github === null ? null : { ...github, now },
  relay,
  now,
  floors: journal.orders,
  steps: journal.steps,
  notBefore: journal.notBefore,
  forgotten: journal.forgottenOrders,
});

async function judgeRelease(ctx: JudgeContext, job: Job): Promise<Verdict> {
  const bytes = decodeBase64url(job.intent);
  if (!bytes.ok) return dropped(refuse('release_malformed', 'not canonical base64url'));
  const { authorisation, time, step: part } = job;
  const signed = { bytes: bytes.value, authorisation, time, part };
  return withinLimits(ctx, job, await judgeOrder(releaseContext(ctx), signed));
}

/** The verdict on a release's part as that on a step, with the limit of its grant. */
function withinLimits(ctx: JudgeContext, job: Job, verdict: OrderVerdict): Verdict {
  if (verdict.kind === 'dropped') return dropped(verdict);
  const order = asStep(ctx.trust, job, verdict.ordered);
  switch (verdict.kind) {
    case 'consumed':
      return { kind: 'consumed', order };
    case 'denied':
      return denied(order, verdict);
    case 'allowed':
      return limitAllows(ctx, order) ? { kind: 'allowed', order } : denied(order, refuse('limit_reached'));
  }
}

const asStep = (trust: Trust, job: Job, ordered: OrderedPart): Order => {
  const { order: release, digest, step, key, identity, paths } = ordered;
  return { kind: 'release', job, release, digest, step, key, identity, trust, paths };
};

function limitAllows(ctx: JudgeContext, order: Order): boolean {
  const grant = findGrant(ctx.trust, order.identity, order.step.action, order.step.target);
  return grant !== null && withinLimit(grant, order.identity, ctx.journal.starts, ctx.livedMs);
}

/**
 * Judges an allowed order once more right before it is journalled, under the very trust document that its
 * signatures were verified with. Time has passed since: it waited for locks, or another step started.
 */
export function judgeAgain(ctx: JudgeContext, order: Order): Verdict {
  if (ctx.trust !== order.trust) throw new Error('the signatures were verified with another trust document');
  const moment = checkMoment(ctx);
  if (!moment.ok) return dropped(moment);
  if (order.job.exp <= ctx.now) return dropped(refuse('job_expired'));
  if (order.kind === 'release') {
    const verified = { order: order.release, digest: order.digest, identity: order.identity, token: null };
    return withinLimits(ctx, order.job, weighOrder(releaseContext(ctx), verified, order.job.step));
  }
  const lifetime = checkLifetime(ctx, order.intent);
  if (!lifetime.ok) return dropped(lifetime);
  if (ctx.journal.steps.has(order.key)) return { kind: 'consumed', order };
  const policy = evaluateIntent(ctx.trust, order.identity, order.intent);
  if (!policy.ok) return denied(order, policy);
  if (!limitAllows(ctx, order)) return denied(order, refuse('limit_reached'));
  return { kind: 'allowed', order };
}
