import { applyPatch } from 'diff';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { Release, ReleaseManifest, ReleasePart } from '../../schema/wire/release.ts';
import type { Plan, PlannedTarget } from '../../src/config/plan/planned.ts';
import { byText } from '../../src/config/repo.ts';

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

type Facts = ReleaseManifest['facts'];

/**
 * Does to a release what a plan says, and gives the digest of what comes of it. Texts come from the plan's diffs;
 * bytes that are no text from `binaries`, by digest.
 */
export async function applyPlan(
  before: Release | null,
  plan: Plan,
  binaries: Release['blobs'],
): Promise<string> {
  const parts = new Map((before?.manifest.parts ?? []).map((part) => [part.target, part]));
  const blobs = new Map(before?.blobs ?? []);
  for (const planned of plan.targets) {
    const part = await applyTarget(parts.get(planned.target), planned, blobs, binaries);
    if (part.apps.length === 0) parts.delete(planned.target);
    else parts.set(planned.target, part);
  }
  const manifest: ReleaseManifest = {
    v: 1,
    parts: [...parts.values()].sort((a, b) => byText(a.target, b.target)),
    facts: applyFacts(before?.manifest.facts ?? { routes: [], names: [], access: [], flows: [] }, plan),
  };
  return digestBytes(toBytes(canonicalJson(manifest)));
}

async function applyTarget(
  part: ReleasePart | undefined,
  { target, relay, apps: changes }: PlannedTarget,
  blobs: Map<string, Uint8Array<ArrayBuffer>>,
  binaries: Release['blobs'],
): Promise<ReleasePart> {
  const apps = new Map((part?.apps ?? []).map((app) => [app.name, app]));
  const files = new Map((part?.files ?? []).map((file) => [file.path, file]));
  for (const { app, after, files: changed } of changes) {
    if (after === undefined) apps.delete(app);
    else apps.set(app, after);
    for (const { path, after: file, diff } of changed) {
      const old = files.get(path);
      if (file === undefined) {
        files.delete(path);
        continue;
      }
      files.set(path, file);
      if (diff === undefined) continue;
      const was = old === undefined ? '' : text(blobs.get(old.digest)!);
      const patched = diff === null ? null : applyPatch(was, diff, { autoConvertLineEndings: false });
      if (patched === false) throw new Error(`the diff of ${path} does not fit`);
      const bytes = patched === null ? binaries.get(file.digest)! : toBytes(patched);
      const made = await digestBytes(bytes);
      if (made !== file.digest) throw new Error(`the diff of ${path} makes ${JSON.stringify(patched)}`);
      blobs.set(made, bytes);
    }
  }
  return {
    target,
    ...(relay !== undefined && { relay }),
    apps: [...apps.values()].sort((a, b) => byText(a.name, b.name)),
    files: [...files.values()].sort((a, b) => byText(a.path, b.path)),
  };
}

/** Facts are a set: what a release has is what it had, without what goes, with what comes. In the builder's order. */
function applyFacts(facts: Facts, plan: Plan): Facts {
  const apply = <K extends keyof Facts>(kind: K): Facts[K] => {
    const changes = plan.facts.filter((one) => one.kind === kind);
    const gone = changes.flatMap(({ before }) => (before === undefined ? [] : [canonicalJson(before)]));
    const kept = facts[kind].filter((fact) => {
      const at = gone.indexOf(canonicalJson(fact));
      if (at >= 0) gone.splice(at, 1);
      return at < 0;
    });
    return [...kept, ...changes.flatMap(({ after }) => (after === undefined ? [] : [after]))] as Facts[K];
  };
  const sortBy = <T>(all: readonly T[], ...keys: readonly ((fact: T) => string)[]): T[] =>
    [...all].sort((a, b) => keys.reduce((order, key) => order || byText(key(a), key(b)), 0));
  return {
    routes: sortBy(
      apply('routes'),
      ({ host }) => host,
      ({ app }) => app,
      ({ target }) => target,
      ({ when }) => when ?? '',
    ),
    names: sortBy(apply('names'), ({ name }) => name),
    access: sortBy(apply('access'), ({ name }) => name),
    flows: sortBy(
      apply('flows'),
      flowOrder,
      ({ to }) => flowEnd(to),
      ({ port }) => String(port ?? 0).padStart(5, '0'),
    ),
  };
}

const flowEnd = (end: string): string => end.split('@').reverse().join(' ');
const flowOrder = ({ from }: Facts['flows'][number]): string => flowEnd(from);
