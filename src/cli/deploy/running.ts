import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Release, ReleaseManifest, ReleasePart } from '../../../schema/wire/release.ts';
import type { Api } from '../api.ts';
import type { Failure } from '../outcome.ts';
import { fetchManifest, fetchPart } from './blobs.ts';
import type { FormerPart } from './former.ts';
import type { Parts } from './only.ts';
import { runningPart, type Sights } from './what-runs.ts';

export type Facts = ReleaseManifest['facts'];

/** What runs on all targets, as far as it is known: what a release is compared with. */
export type Running = {
  readonly parts: Parts;
  /** What the home offers through these parts, by the releases that they came with. */
  readonly facts: Facts;
  /** Targets that run something of which the control plane no longer keeps what it is. */
  readonly unknown: readonly string[];
};

const noFacts: Facts = { routes: [], names: [], access: [], flows: [] };

const isGone = (failure: Failure): boolean => failure.problem?.status === 404;

/** Fetches what runs. Every byte is held against a digest, and facts are believed of releases that relays vouch for. */
export async function readRunning(
  api: Api,
  { targets }: Sights,
  former: readonly FormerPart[],
): Promise<{ ok: true; value: Running } | Failure> {
  const parts = new Map<string, ReleasePart>();
  const unknown: string[] = [];
  for (const [target, sight] of targets) {
    const digest = runningPart(sight);
    if (digest === null) continue;
    const part = await fetchPart(api, digest, target);
    if (part.ok) parts.set(target, part.value.part);
    else if (isGone(part)) unknown.push(target);
    else return part;
  }
  const sources = new Map<string, FormerPart>();
  for (const one of former) {
    const runs = runningPart(targets.get(one.target)) === one.part;
    if (runs && one.receipt?.state === 'succeeded' && !sources.has(one.target)) sources.set(one.target, one);
  }
  const facts = await readFacts(api, sources);
  if (!facts.ok) return facts;
  return { ok: true, value: { parts, facts: facts.value, unknown } };
}

/** Of each target the facts of its own release; names and access rules, which are of no target, of the newest. */
async function readFacts(
  api: Api,
  sources: ReadonlyMap<string, FormerPart>,
): Promise<{ ok: true; value: Facts } | Failure> {
  const manifests = new Map<string, ReleaseManifest>();
  for (const { view } of sources.values()) {
    const { release } = view.order;
    if (manifests.has(release)) continue;
    const got = await fetchManifest(api, release);
    if (got.ok) manifests.set(release, got.value);
    else if (!isGone(got)) return got;
  }
  let facts = noFacts;
  const byAge = [...sources].sort(([, a], [, b]) => a.view.order.issued_at - b.view.order.issued_at);
  for (const [target, { view }] of byAge) {
    const own = manifests.get(view.order.release)?.facts;
    if (own !== undefined) facts = mixFacts(facts, own, (at) => at === target);
  }
  return { ok: true, value: facts };
}

/**
 * Facts in which some apps offer what they do after a release, and all others what they did before.
 *
 * @param isNew whether an app of a target is as after the release
 */
export function mixFacts(
  before: Facts,
  after: Facts,
  isNew: (target: string, app: string) => boolean,
): Facts {
  const from = (flow: Facts['flows'][number]): boolean => {
    const [app, target] = flow.from.split('@') as [string, string];
    return isNew(target, app);
  };
  return {
    routes: [
      ...before.routes.filter(({ target, app }) => !isNew(target, app)),
      ...after.routes.filter(({ target, app }) => isNew(target, app)),
    ],
    names: after.names,
    access: after.access,
    flows: [...before.flows.filter((flow) => !from(flow)), ...after.flows.filter(from)],
  };
}

/** Parts and facts as a release, as plans compare them; the bytes of its files are another matter. */
export async function asRelease(
  parts: readonly ReleasePart[],
  facts: Facts,
  blobs: Release['blobs'] = new Map(),
): Promise<Release> {
  const manifest: ReleaseManifest = { v: 1, parts: [...parts], facts };
  const bytes = toBytes(canonicalJson(manifest));
  return { manifest, bytes, digest: await digestBytes(bytes), blobs };
}
