import type { DeploymentView } from '../../../schema/api/deployments.ts';
import type { Digest } from '../../../schema/jose/digest.ts';
import { planSummary } from '../../config/plan/summary.ts';
import type { Context } from '../command.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { confirm } from '../passphrase.ts';
import { ago, listed } from '../text.ts';
import { fetchManifest, fetchPart } from './blobs.ts';
import { acceptedText, orderParts, waitFor } from './deploy-parts.ts';
import { checkKept } from './draft.ts';
import type { FormerPart } from './former.ts';
import type { Ready } from './get-ready.ts';
import { breachesFailure, judgeParts } from './judge-parts.ts';
import { planLive } from './live-plan.ts';
import { mixFacts } from './running.ts';
import type { Chosen } from './select.ts';

/** Options of every command that orders parts once more. */
export const formerOptions = {
  wait: { type: 'flag', about: 'wait for the outcome' },
  'dry-run': { type: 'flag', about: 'sign nothing' },
  yes: { type: 'flag', about: 'do not ask' },
} as const;

export type FormerValues = { readonly wait: boolean; readonly 'dry-run': boolean; readonly yes: boolean };

/**
 * Orders parts that were ordered before once more: parts of one release together, so that each target still tells its
 * commit. Of the control plane comes no byte of what is signed: a part is named by the digest that its own relay, or
 * this computer, once signed for.
 *
 * @param verb what it is called: `Roll back`
 */
export async function orderFormer(
  context: Context,
  ready: Ready,
  former: readonly FormerPart[],
  wishes: FormerValues & { readonly again: boolean; readonly verb: string },
): Promise<Done | Failure> {
  const { session, trust, signer, running, caRoot } = ready;
  const stranger = former.find(({ vouched }) => !vouched);
  if (stranger !== undefined) {
    return fail(
      exits.refused,
      'part_unproven',
      `The control plane says that ${stranger.part} was ordered for ${stranger.target}, and neither its relay nor this computer has signed so. Nothing was signed. Deploy it from its commit.`,
    );
  }
  const groups = new Map<Digest, FormerPart[]>();
  for (const one of former) {
    const { release } = one.view.order;
    groups.set(release, [...(groups.get(release) ?? []), one]);
  }
  const chosen = new Map<FormerPart, Chosen>();
  let { facts } = running;
  for (const [release, parts] of groups) {
    const manifest = await fetchManifest(session.api, release);
    if (!manifest.ok) return gone(manifest);
    for (const one of parts) {
      const got = await fetchPart(session.api, one.part, one.target);
      if (!got.ok) return gone(got);
      const relay = got.value.part.relay ?? '';
      chosen.set(one, { target: one.target, relay, digest: one.part, apps: null, ...got.value });
    }
    const mixed = mixFacts(facts, manifest.value.facts, (target) =>
      parts.some((one) => one.target === target),
    );
    // Names and rules are of the whole home, and not of what goes back here.
    facts = { ...mixed, names: facts.names, access: facts.access };
  }
  const all = [...chosen.values()];
  const refused = breachesFailure(judgeParts(trust, all, running.parts, new Map(), caRoot, signer));
  if (refused !== null) return refused;
  const parts = all.map(({ part }) => part);
  const kept = await checkKept(session.api, parts, new Map());
  if (!kept.ok) return kept;
  const plan = await planLive(session.api, running, all, facts, new Map());
  if (!plan.ok) return plan;

  const lines = [
    ...former.map(({ target, part, view }) => {
      const commit = view.order.commit === null ? '' : `, commit ${view.order.commit.slice(0, 12)}`;
      return `${target}: ${short(part)} of ${ago(context.now() - view.order.issued_at)}${commit}`;
    }),
    ...planSummary(plan.value),
  ];
  const json = {
    order: former.map(({ target, part, view }) => ({
      target,
      part,
      release: view.order.release,
      commit: view.order.commit,
    })),
    plan: plan.value,
  };
  if (wishes['dry-run']) return done([...lines, 'Nothing was signed.'].join('\n'), json);
  context.progress.end();
  if (!context.json || !wishes.yes) context.terminal.err(`${lines.join('\n')}\n`);
  const names = listed(former.map(({ target }) => target));
  const agreed = await confirm(context, `${wishes.verb} ${names}?`, wishes.yes);
  if (agreed !== true) return agreed;

  const views: DeploymentView[] = [];
  let { desk } = ready;
  for (const [release, group] of groups) {
    const ordered = await orderParts(context, session, desk, ready.sights, {
      release,
      commit: group[0]!.view.order.commit,
      parts: group.map((one) => chosen.get(one)!),
      blobs: new Map(),
      again: wishes.again,
    });
    if (!ordered.ok) {
      const before = views.map(({ id }) => id).join(', ');
      return before === '' ? ordered : { ...ordered, detail: `${ordered.detail}\n${before} is accepted.` };
    }
    views.push(ordered.value.view);
    ({ desk } = ordered.value);
  }
  return wishes.wait ? waitFor(context, session, views) : acceptedText(views);
}

/** `sha256:` and the first digits, as people compare them. */
export const short = (digest: Digest): string => digest.slice(0, 'sha256:'.length + 12);

const gone = (failure: Failure): Failure =>
  failure.problem?.status === 404
    ? fail(
        exits.refused,
        'blobs_gone',
        'The control plane no longer keeps what that release held. Nothing was signed. Deploy the commit that has it.',
      )
    : failure;
