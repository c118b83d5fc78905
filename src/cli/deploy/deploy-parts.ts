import { type DeploymentView, deploymentViewSchema } from '../../../schema/api/deployments.ts';
import type { Digest } from '../../../schema/jose/digest.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { maxOrderedParts } from '../../../schema/wire/release-order.ts';
import type { Context } from '../command.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { refreshTrust, type Session } from '../session.ts';
import { type Blobs, uploadBlobs } from './blobs.ts';
import { type Desk, digestNamed, nextNumber, readDesk, rememberName, rememberOrder } from './desk.ts';
import { type ExcerptValues, logOf, openExcerpts, saidLines, unasked, unreadable } from './excerpts.ts';
import { followDeployment, submitOrder } from './follow.ts';
import { exitOf, type TargetOutcome } from './outcome.ts';
import { endWords, proveViews } from './prove.ts';
import type { Chosen } from './select.ts';
import { signOrder } from './sign-order.ts';
import { lookAtTargets, type Sights } from './what-runs.ts';
import { codeText, lookOf, threeWords, todoOf, type Words, wordsOf } from './words.ts';

/** Parts of one release that somebody agreed to. */
export type Agreed = {
  readonly release: Digest;
  readonly commit: string | null;
  readonly parts: readonly Pick<Chosen, 'target' | 'relay' | 'digest'>[];
  /** Everything that the order names: manifest, parts, and what these name. */
  readonly blobs: Blobs;
  readonly again: boolean;
};

/** Uploads, signs and hands over one order. The desk remembers it before it is sent. */
export async function orderParts(
  context: Context,
  session: Session,
  desk: Desk,
  sights: Pick<Sights, 'next' | 'proven' | 'workflows'>,
  agreed: Agreed,
): Promise<{ ok: true; value: { view: DeploymentView; desk: Desk } } | Failure> {
  if (agreed.parts.length > maxOrderedParts) {
    return fail(
      exits.usage,
      'too_many_targets',
      `One order holds at most ${maxOrderedParts} targets, and these are ${agreed.parts.length}. Name some of them with --only. Nothing was signed.`,
    );
  }
  const number = nextNumber(desk, sights.next, sights);
  if (!number.ok) {
    return fail(
      exits.refused,
      number.reason,
      `The control plane says that the next release comes after ${number.detail}. Nothing was signed: with such a number no later release could follow. It may be taken.`,
    );
  }
  const uploaded = await uploadBlobs(context, session.api, agreed.blobs);
  if (!uploaded.ok) return uploaded;
  const signed = await signOrder(session.home, { ...agreed, number: number.value, now: context.now() });
  const remembered = rememberOrder(session.home.directory, desk, number.value, signed.digest);
  const accepted = await submitOrder(context, session, signed);
  if (!accepted.ok) return accepted;
  const named = rememberName(session.home.directory, remembered, accepted.value.id, signed.digest);
  return { ok: true, value: { view: accepted.value, desk: named } };
}

/** Asks for a deployment by its id. One that was signed here is that one: another's success is not told as its own. */
export async function fetchDeployment(
  { api, home }: Session,
  id: string,
): Promise<{ ok: true; value: DeploymentView } | Failure> {
  const desk = readDesk(home.directory);
  if (!desk.ok) return desk;
  const answer = await api.call({
    method: 'GET',
    url: `/v1/deployments/${id}`,
    answer: deploymentViewSchema,
  });
  if (!answer.ok) return answer;
  const signed = digestNamed(desk.value, id);
  if (answer.value.id === id && (signed === null || signed === answer.value.digest)) return answer;
  return fail(
    exits.refused,
    'answer_foreign',
    `The control plane tells of another order as ${id} than the one that was signed here. It was not believed.`,
  );
}

/** What is said of deployments that were accepted and are not waited for. */
export const acceptedText = (views: readonly DeploymentView[]): Done =>
  done(
    views.map(({ id }) => `${id} is accepted. Its outcome: writ deployments ${id}`).join('\n'),
    views.length === 1 ? { deployment: views[0] } : { deployments: views },
  );

/** Follows deployments to their ends, and tells what came of each target in three words. */
export async function waitFor(
  context: Context,
  session: Session,
  views: readonly DeploymentView[],
  excerpts: ExcerptValues = unasked,
): Promise<Done | Failure> {
  const ended: DeploymentView[] = [];
  for (const view of views) {
    const followed = await followDeployment(context, session, view);
    if (!followed.ok) return followed;
    ended.push(followed.value);
  }
  const trust = await refreshTrust(session);
  if (!trust.ok) return trust;
  const proven = await proveOutcomes(session, trust.value, ended);
  if (!proven.ok) return proven;
  const sights = await lookAtTargets(session, trust.value);
  if (!sights.ok) return sights;
  const ids = ended.map(({ id }) => id).join(', ');
  const receipts = proven.value.map(({ receipt }) => receipt);
  const opened = await openExcerpts(context, excerpts, receipts, `writ deployments ${ended[0]?.id}`);
  if (!opened.ok) return opened;
  const rows = proven.value.map((outcome) => {
    const words = wordsAfter(outcome, sights.value);
    return {
      ...outcome,
      words,
      said: outcome.receipt === null ? undefined : opened.value.get(outcome.receipt),
    };
  });
  const width = Math.max(...rows.map(({ target }) => target.length));
  const lines = rows.flatMap(({ target, words, said }) => [
    `${target.padEnd(width)}  ${threeWords(words)}`,
    ...[...words.why, ...saidLines(said)].map((text) => `${' '.repeat(width)}  ${text}`),
  ]);
  lines.push(...unreadable(trust.value.document, receipts));
  const waits = rows.some(({ end }) => end === 'pending' || end === 'staged' || end === 'activated');
  if (waits) lines.push(`What waits is done once its relay comes. See: writ deployments ${ids}`);
  if (rows.some(({ receipt }) => receipt !== null))
    lines.push('Verified against the receipts of its relays.');
  const json = {
    deployments: ended,
    targets: rows.map(({ target, end, code, receipt, words, said }) => ({
      target,
      end,
      code,
      signed: receipt?.state ?? null,
      ...words,
      log: logOf(said),
    })),
  };
  return done(lines.join('\n'), json, exitOf(proven.value));
}

/** What came of deployments, as `proveViews` has it, by what this computer signed. */
export async function proveOutcomes(
  session: Session,
  trust: Trust,
  views: readonly DeploymentView[],
): Promise<{ ok: true; value: readonly TargetOutcome[] } | Failure> {
  const desk = readDesk(session.home.directory);
  return desk.ok ? proveViews(trust, desk.value, views) : desk;
}

/** A target's words at the end of a deployment: what was seen before its receipt knows nothing of it. */
function wordsAfter(outcome: TargetOutcome, { targets }: Sights): Words {
  const { target, end, code, receipt } = outcome;
  const sight = targets.get(target);
  if (end === 'healthy') {
    const isNews = sight?.signed != null && sight.signed.report.seen_at > receipt!.time;
    return isNews ? wordsOf(sight) : { deployed: true, healthy: true, synced: true, why: [] };
  }
  const looked = sight === undefined ? { healthy: null, synced: null, why: [] } : lookOf(sight);
  const word = end === 'unknown' && receipt !== null ? 'its relay cannot say what came of it' : endWords[end];
  const reasons = code === null ? [word] : [`${word}: ${codeText(code)}`, ...todoOf(code)];
  return { deployed: false, ...looked, why: [...reasons, ...looked.why] };
}
