import * as v from 'valibot';
import { type Digest, digestBytes, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { maxOrderedParts, type ReleaseOrder } from '../../../schema/wire/release-order.ts';
import { digestsIn } from '../../config/build/release-file.ts';
import { makePlan } from '../../config/plan/plan.ts';
import { byText, type Repo } from '../../config/repo.ts';
import { commitOf } from '../git.ts';
import type { Places, UnsignedOrder } from './order-file.ts';

/** The run of a workflow that an order is of, as GitHub numbers it. */
export type Run = { readonly id: number; readonly attempt: number; readonly commit: string };

const runSchema = v.object({
  GITHUB_RUN_ID: v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,14}$/)),
  GITHUB_RUN_ATTEMPT: v.pipe(v.string(), v.regex(/^[1-9][0-9]{0,5}$/)),
  GITHUB_SHA: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)),
});

/** The run that a job is of, by the environment that its runner gives it; null: it is of none. */
export function readRun(env: Readonly<Record<string, string | undefined>>): Run | null {
  const read = v.safeParse(runSchema, env);
  if (!read.success) return null;
  const { GITHUB_RUN_ID: id, GITHUB_RUN_ATTEMPT: attempt, GITHUB_SHA: commit } = read.output;
  return { id: Number(id), attempt: Number(attempt), commit };
}

/** Why a folder is not what the commit of a run holds; null where it is: a release says truly what it was built from. */
export async function strangerToRun(directory: string, repo: Repo, { commit }: Run): Promise<string | null> {
  const is = await commitOf(directory, repo);
  if (is === commit) return null;
  return is === null
    ? `the folder holds what no commit does, or git is not there; the run is of ${commit}`
    : `the folder is at ${is}, and the run is of ${commit}`;
}

const mostPlaces = 3;

/**
 * Makes the order of a workflow's run from a release: of its commit, numbered by the run, for these targets. Whatever a
 * run orders, its token must say alike.
 *
 * @param before the release of the commit before, where it is known: its differences say where a failure is shown
 */
export async function makeOrder(
  release: Release,
  before: Release | null,
  about: {
    readonly home: string;
    readonly targets: readonly string[];
    readonly run: Run;
    readonly now: number;
  },
): Promise<Result<UnsignedOrder, 'target_unknown' | 'target_by_hand' | 'too_many_targets'>> {
  const targets = [...new Set(about.targets)].sort(byText);
  if (targets.length > maxOrderedParts)
    return refuse('too_many_targets', `an order holds at most ${maxOrderedParts} targets`);
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>([[release.digest, release.bytes]]);
  const parts: ReleaseOrder['parts'] = [];
  for (const target of targets) {
    const part = release.manifest.parts.find((one) => one.target === target);
    if (part === undefined) return refuse('target_unknown', `the release has no part for ${target}`);
    if (part.relay === undefined) return refuse('target_by_hand', `no relay brings anything to ${target}`);
    const bytes = toBytes(canonicalJson(part));
    const digest = await digestBytes(bytes);
    blobs.set(digest, bytes);
    for (const named of digestsIn({ parts: [part] })) blobs.set(named, release.blobs.get(named)!);
    parts.push({ relay: part.relay, target, digest });
  }
  const { id, attempt, commit } = about.run;
  const order: ReleaseOrder = {
    v: 1,
    home: about.home,
    release: release.digest,
    commit,
    order: { run_id: id, run_attempt: attempt, desk: 0 },
    issued_at: about.now,
    parts,
  };
  const bytes = toBytes(canonicalJson(order));
  return ok({
    order,
    bytes,
    digest: await digestOf('release', bytes),
    blobs,
    places: placesOf(release, before, targets),
  });
}

/** For each target the app.yaml of what changes there; where that is not known, of what is there. */
function placesOf(release: Release, before: Release | null, targets: readonly string[]): Places {
  const planned = before === null ? [] : makePlan(before, release).targets;
  const place = (app: string): string => `apps/${app}/app.yaml`;
  return Object.fromEntries(
    targets.map((target) => {
      const changed = planned.find((one) => one.target === target)?.apps.map(({ app }) => app) ?? [];
      const all = release.manifest.parts.find((one) => one.target === target)!.apps.map(({ name }) => name);
      const shown = changed.filter((app) => all.includes(app));
      return [target, (shown.length > 0 ? shown : all).slice(0, mostPlaces).map(place)];
    }),
  );
}
