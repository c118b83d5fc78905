import { type Digest, digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import { heartbeatLimitMs } from '../../../schema/wire/limits.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import { byText } from '../../config/repo.ts';
import { mergeApps, type Parts, type Scope } from './only.ts';
import { runningPart, type Sight, type Sights } from './what-runs.ts';

/** A part that is to be ordered. */
export type Chosen = {
  readonly target: string;
  readonly relay: string;
  readonly part: ReleasePart;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  /** The apps that are brought; null: all of them. */
  readonly apps: ReadonlySet<string> | null;
};

/** A target that is as it should be, or on its way there. */
export type LeftOut = {
  readonly target: string;
  readonly why: 'runs' | 'under_way';
  /** Of one that is on its way. */
  readonly deployment: string | null;
  /** How many of its files and units differ from what it runs. */
  readonly drifted: number;
};

export type Selection = {
  /** Sorted by target. */
  readonly chosen: readonly Chosen[];
  readonly leftOut: readonly LeftOut[];
  /** Targets of the release without a relay: a person puts their files there. */
  readonly byHand: readonly string[];
  /** Targets that run something, and that the release does not have. */
  readonly gone: readonly string[];
};

export type SelectRefusal = 'only_by_hand' | 'only_unseen' | 'only_clash';

const underWay: ReadonlySet<string> = new Set(['pending', 'staged', 'activated']);

/**
 * Says which parts of a release are ordered.
 *
 * @param running parts that run, by the digests that `sights` has
 * @param scope what is wanted of it; null: all of it
 * @param again whether what runs already is ordered as well
 */
export async function selectParts(from: {
  readonly wanted: Parts;
  readonly running: Parts;
  readonly sights: Sights;
  readonly scope: Scope | null;
  readonly again: boolean;
  readonly now: number;
}): Promise<Result<Selection, SelectRefusal>> {
  const { wanted, running, sights, scope } = from;
  const chosen: Chosen[] = [];
  const leftOut: LeftOut[] = [];
  const byHand: string[] = [];
  for (const target of [...(scope ?? wanted).keys()].sort(byText)) {
    const apps = scope?.get(target) ?? 'all';
    const { relay } = wanted.get(target) ?? running.get(target)!;
    if (relay === undefined) {
      if (scope !== null) {
        const how = 'writ config build --output DIR writes its files, to be put there by hand';
        return refuse('only_by_hand', `${target} has no relay: ${how}`);
      }
      byHand.push(target);
      continue;
    }
    const sight = sights.targets.get(target);
    const part =
      apps === 'all'
        ? ok(wanted.get(target) ?? { target, relay, apps: [], files: [] })
        : partOfApps(target, apps, from, sight);
    if (!part.ok) return part;
    const bytes = toBytes(canonicalJson(part.value));
    const digest = await digestBytes(bytes);
    const left = from.again ? null : whyLeftOut(target, digest, sight);
    if (left !== null) leftOut.push(left);
    else chosen.push({ target, relay, part: part.value, bytes, digest, apps: apps === 'all' ? null : apps });
  }
  const gone =
    scope === null
      ? [...running].flatMap(([target, { apps }]) =>
          wanted.has(target) || apps.length === 0 ? [] : [target],
        )
      : [];
  return ok({ chosen, leftOut, byHand, gone });
}

/** What runs becomes part of what is signed: the relay itself must have said it, and not long ago. */
function partOfApps(
  target: string,
  apps: ReadonlySet<string>,
  { wanted, running, now }: Pick<Parameters<typeof selectParts>[0], 'wanted' | 'running' | 'now'>,
  sight: Sight | undefined,
): Result<ReleasePart, SelectRefusal> {
  const unseen = (why: string): Result<never, SelectRefusal> =>
    refuse(
      'only_unseen',
      `${why}, so that its other apps cannot be kept: bring all of it with --only ${target}`,
    );
  if (sight?.standing == null) return unseen(`no relay has signed what runs on ${target}`);
  if (sight.standing.part === null) return unseen(`nothing of a release runs on ${target} yet`);
  if (now - sight.standing.signedAt > heartbeatLimitMs) {
    return unseen(`the relay ${sight.relay} has not said for long what runs on ${target}`);
  }
  const before = running.get(target);
  if (before === undefined) return unseen(`what runs on ${target} is no longer kept`);
  return mergeApps(before, wanted.get(target), apps);
}

function whyLeftOut(target: string, digest: Digest, sight: Sight | undefined): LeftOut | null {
  if (sight === undefined) return null;
  const { view } = sight;
  const left = { target, drifted: sight.signed?.report.drifted ?? view?.report?.drifted ?? 0 };
  const isWanted = view?.wanted == null || view.wanted === digest;
  if (isWanted && view?.state != null && view.wanted !== null && underWay.has(view.state)) {
    return { ...left, why: 'under_way', deployment: view.deployment };
  }
  return isWanted && runningPart(sight) === digest ? { ...left, why: 'runs', deployment: null } : null;
}
