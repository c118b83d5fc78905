import { changedFiles } from '../../../schema/change/files.ts';
import type { Digest } from '../../../schema/jose/digest.ts';
import type { Release, ReleasePart } from '../../../schema/wire/release.ts';
import { makePlan } from '../../config/plan/plan.ts';
import type { Plan } from '../../config/plan/planned.ts';
import type { Api } from '../api.ts';
import { eachAtOnce } from '../each.ts';
import type { Failure } from '../outcome.ts';
import { type Blobs, fetchBlob } from './blobs.ts';
import { asRelease, type Facts, mixFacts, type Running } from './running.ts';
import type { Chosen } from './select.ts';

const atOnce = 4;

/**
 * Compares what runs with what would run if some parts were ordered. The old bytes of files that change are fetched by
 * their digests, for the diffs; one that is no longer kept has none.
 *
 * @param facts of the release that the chosen parts are from
 * @param blobs the new bytes, as far as they are here
 */
export async function planLive(
  api: Api,
  running: Running,
  chosen: readonly Chosen[],
  facts: Facts,
  blobs: Blobs,
): Promise<{ ok: true; value: Plan } | Failure> {
  const byTarget = new Map(chosen.map((one) => [one.target, one]));
  const after = new Map(running.parts);
  for (const { target, part } of chosen) after.set(target, part);
  const isNew = (target: string, app: string): boolean => {
    const one = byTarget.get(target);
    return one !== undefined && (one.apps === null || one.apps.has(app));
  };
  const old = [...running.parts.values()];
  const now = [...after.values()];
  const fetched = await fetchChanged(api, old, now, blobs);
  if (!fetched.ok) return fetched;
  const all = new Map([...blobs, ...fetched.value.blobs]);
  const before = await asRelease(old, running.facts, all);
  const wanted = await asRelease(now, mixFacts(running.facts, facts, isNew), all);
  const plan = makePlan(old.length === 0 ? null : before, wanted);
  return { ok: true, value: withoutDiffs(plan, old, now, fetched.value.lost) };
}

const pathsIn = (parts: readonly ReleasePart[], lost: ReadonlySet<Digest>): string[] =>
  parts.flatMap(({ target, files }) =>
    files.filter(({ digest }) => lost.has(digest)).map(({ path }) => `${target} ${path}`),
  );

/** A file of which one side is unknown would be shown as new, or as gone. */
function withoutDiffs(
  plan: Plan,
  old: readonly ReleasePart[],
  now: readonly ReleasePart[],
  lost: ReadonlySet<Digest>,
): Plan {
  if (lost.size === 0) return plan;
  const unknown = new Set([...pathsIn(old, lost), ...pathsIn(now, lost)]);
  return {
    ...plan,
    targets: plan.targets.map(({ target, apps, ...planned }) => ({
      ...planned,
      target,
      apps: apps.map((app) => ({
        ...app,
        files: app.files.map((file) =>
          unknown.has(`${target} ${file.path}`) ? { ...file, diff: null } : file,
        ),
      })),
    })),
  };
}

async function fetchChanged(
  api: Api,
  old: readonly ReleasePart[],
  now: readonly ReleasePart[],
  known: Blobs,
): Promise<{ ok: true; value: { blobs: Release['blobs']; lost: ReadonlySet<Digest> } } | Failure> {
  const wanted = new Set<Digest>();
  for (const target of new Set([...old, ...now].map((part) => part.target))) {
    const [before, after] = [old, now].map((parts) => parts.find((part) => part.target === target));
    for (const change of changedFiles(before, after)) {
      if (change.kind !== 'added') wanted.add(change.before.digest);
      if (change.kind !== 'removed') wanted.add(change.after.digest);
    }
  }
  const unknown = [...wanted].filter((digest) => !known.has(digest));
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>();
  const lost = new Set<Digest>();
  const failure = await eachAtOnce(unknown, atOnce, async (digest): Promise<Failure | null> => {
    const got = await fetchBlob(api, digest);
    if (got.ok) blobs.set(digest, got.value);
    else if (got.problem?.status === 404) lost.add(digest);
    else return got;
    return null;
  });
  return failure ?? { ok: true, value: { blobs, lost } };
}
