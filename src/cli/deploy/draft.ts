import type { Digest } from '../../../schema/jose/digest.ts';
import type { Release, ReleasePart } from '../../../schema/wire/release.ts';
import { digestsIn } from '../../config/build/release-file.ts';
import type { Plan } from '../../config/plan/planned.ts';
import type { Api } from '../api.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { type Blobs, missingOf } from './blobs.ts';
import type { Ready } from './get-ready.ts';
import { type Breach, judgeParts } from './judge-parts.ts';
import { planLive } from './live-plan.ts';
import { type Parts, readOnly, type Scope } from './only.ts';
import { asRelease, mixFacts } from './running.ts';
import { type Chosen, type Selection, selectParts } from './select.ts';

/** What a deployment would be, before anything of it is signed. */
export type Draft = {
  readonly selection: Selection;
  /** Of the manifest that the order names. */
  readonly release: Digest;
  /** Manifest and parts, and what of theirs is here. */
  readonly blobs: Blobs;
  readonly plan: Plan;
  readonly breaches: readonly Breach[];
};

/** Compares a release with what runs, and says what of it would be ordered. Nothing is uploaded. */
export async function draftDeployment(
  ready: Ready,
  release: Release,
  wishes: { readonly only: readonly string[]; readonly again: boolean; readonly now: number },
): Promise<{ ok: true; value: Draft } | Failure> {
  const { session, trust, signer, running, sights, caRoot } = ready;
  const wanted: Parts = new Map(release.manifest.parts.map((part) => [part.target, part]));
  let scope: Scope | null = null;
  if (wishes.only.length > 0) {
    const read = readOnly(wishes.only, wanted, running.parts);
    if (!read.ok)
      return fail(exits.usage, read.reason, `Of --only, ${read.detail ?? read.reason}\nNothing was done.`);
    scope = read.value;
  }
  const selected = await selectParts({
    wanted,
    running: running.parts,
    sights,
    scope,
    again: wishes.again,
    now: wishes.now,
  });
  if (!selected.ok)
    return fail(exits.usage, selected.reason, `${selected.detail ?? selected.reason}.\nNothing was done.`);
  const { chosen } = selected.value;
  const named = await manifestOf(release, running.facts, wanted, chosen);
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>([
    [named.digest, named.bytes],
    ...chosen.map(({ digest, bytes }) => [digest, bytes] as const),
  ]);
  for (const digest of digestsIn({ parts: chosen.map(({ part }) => part) })) {
    const bytes = release.blobs.get(digest);
    if (bytes !== undefined) blobs.set(digest, bytes);
  }
  const plan = await planLive(session.api, running, chosen, release.manifest.facts, blobs);
  if (!plan.ok) return plan;
  const breaches = judgeParts(trust, chosen, running.parts, blobs, caRoot, signer);
  return {
    ok: true,
    value: { selection: selected.value, release: named.digest, blobs, plan: plan.value, breaches },
  };
}

/** The release as it was built, or what it is where parts are ordered that it does not hold. */
async function manifestOf(
  release: Release,
  before: Release['manifest']['facts'],
  wanted: Parts,
  chosen: readonly Chosen[],
): Promise<Pick<Release, 'bytes' | 'digest'>> {
  const isWhole = chosen.every(({ target, apps }) => apps === null && wanted.has(target));
  if (isWhole) return release;
  const mixed = new Map(
    chosen.flatMap(({ target, apps }) => (apps === null ? [] : [[target, apps] as const])),
  );
  const parts = new Map<string, ReleasePart>(wanted);
  for (const { target, part } of chosen) parts.set(target, part);
  const isNew = (target: string, app: string): boolean => mixed.get(target)?.has(app) ?? true;
  const sorted = [...parts.values()].sort((a, b) => (a.target < b.target ? -1 : 1));
  return asRelease(sorted, mixFacts(before, release.manifest.facts, isNew));
}

/** Whether the control plane has what these parts name and is not here; only it can have that. */
export async function checkKept(
  api: Api,
  parts: readonly ReleasePart[],
  here: Blobs,
): Promise<{ ok: true } | Failure> {
  const elsewhere = [...digestsIn({ parts })].filter((digest) => !here.has(digest));
  if (elsewhere.length === 0) return { ok: true };
  const missing = await missingOf(api, elsewhere);
  if (!missing.ok) return missing;
  if (missing.value.length === 0) return { ok: true };
  return fail(
    exits.refused,
    'blobs_gone',
    `The control plane no longer keeps ${missing.value.length} of the files that this needs. Nothing was signed. Deploy the commit that has them: its release holds them all.`,
  );
}
