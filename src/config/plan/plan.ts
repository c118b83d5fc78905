import { changedFiles, type FileChange } from '../../../schema/change/files.ts';
import { changedSecrets, changedUnits } from '../../../schema/change/units.ts';
import { sameJson } from '../../../schema/wire/canonical.ts';
import type { Release, ReleaseApp, ReleasePart } from '../../../schema/wire/release.ts';
import { grouped } from '../grouped.ts';
import { byText } from '../repo.ts';
import { diffBlobs } from './diff.ts';
import { changedFacts } from './facts.ts';
import type { Plan, PlannedApp, PlannedFile, PlannedTarget } from './planned.ts';
import { findRisks } from './risks.ts';
import { changedAuthority, changedSettings } from './settings.ts';

export const isEmptyPlan = ({ targets, facts }: Plan): boolean => targets.length === 0 && facts.length === 0;

/** Compares two releases. Pure: the diffs come from the bytes that the releases hold. */
export function makePlan(before: Release | null, after: Release): Plan {
  const old = new Map((before?.manifest.parts ?? []).map((part) => [part.target, part]));
  const now = new Map(after.manifest.parts.map((part) => [part.target, part]));
  const blobs = new Map([...(before?.blobs ?? []), ...after.blobs]);
  const targets: PlannedTarget[] = [];
  for (const target of [...new Set([...old.keys(), ...now.keys()])].sort(byText)) {
    const planned = planTarget(target, old.get(target), now.get(target), blobs);
    const moved = old.get(target)?.relay !== now.get(target)?.relay;
    if (planned.apps.length > 0 || moved) targets.push(planned);
  }
  const empty = { routes: [], names: [], access: [], flows: [] };
  const facts = changedFacts(before?.manifest.facts ?? empty, after.manifest.facts);
  return {
    before: before?.digest ?? null,
    after: after.digest,
    targets,
    facts,
    risks: findRisks(before?.manifest ?? { v: 1, parts: [], facts: empty }, after.manifest, targets),
  };
}

const appsOf = (part: ReleasePart | undefined): Map<string, ReleaseApp> =>
  new Map((part?.apps ?? []).map((app) => [app.name, app]));

function planTarget(
  target: string,
  before: ReleasePart | undefined,
  after: ReleasePart | undefined,
  blobs: Release['blobs'],
): PlannedTarget {
  const old = appsOf(before);
  const now = appsOf(after);
  const units = grouped(changedUnits(before, after), ({ app }) => app);
  const files = grouped(changedFiles(before, after), (change) =>
    change.kind === 'removed' ? change.before.app : change.after.app,
  );
  const apps: PlannedApp[] = [];
  const untouched: string[] = [];
  for (const app of [...new Set([...old.keys(), ...now.keys()])].sort(byText)) {
    const planned: PlannedApp = {
      app,
      ...(now.has(app) && { after: now.get(app)! }),
      units: units.get(app) ?? [],
      files: (files.get(app) ?? []).map((change) => planFile(change, blobs)),
      secrets: changedSecrets(old.get(app), now.get(app)),
      settings: [
        ...changedSettings(old.get(app), now.get(app)),
        ...changedAuthority(before, after, old.get(app), now.get(app)),
      ],
    };
    const still =
      sameJson(old.get(app), now.get(app)) &&
      planned.units.every(({ effect }) => effect === 'untouched') &&
      planned.files.length === 0 &&
      planned.settings.length === 0;
    if (still) untouched.push(app);
    else apps.push(planned);
  }
  const { relay } = (after ?? before)!;
  return { target, ...(relay !== undefined && { relay }), apps, untouched };
}

function planFile(change: FileChange, blobs: Release['blobs']): PlannedFile {
  const { path, kind } = change;
  const was = kind === 'added' ? undefined : blobs.get(change.before.digest);
  const is = kind === 'removed' ? undefined : blobs.get(change.after.digest);
  return {
    path,
    kind,
    ...(kind === 'changed' && { what: change.what }),
    ...(kind !== 'removed' && { after: change.after }),
    ...((kind !== 'changed' || change.what === 'content') && { diff: diffBlobs(path, was, is) }),
  };
}
