import { didYouMean } from '../../../schema/near.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import { byText } from '../../config/repo.ts';

/** Parts by their target. */
export type Parts = ReadonlyMap<string, ReleasePart>;

/** What is to be brought: by target, all of it or the named apps alone. */
export type Scope = ReadonlyMap<string, 'all' | ReadonlySet<string>>;

const appsOf = (part: ReleasePart | undefined): string[] => (part?.apps ?? []).map(({ name }) => name);

/**
 * Reads what `--only` names: a target, an app wherever it is, or an app on one target as `app@target`. A target goes
 * before an app of the same name.
 *
 * @param wanted parts of the release
 * @param running parts that are known to run; what they hold and the release does not can be named, to be taken away
 */
export function readOnly(
  words: readonly string[],
  wanted: Parts,
  running: Parts,
): Result<Scope, 'only_unknown'> {
  const targets = [...new Set([...wanted.keys(), ...running.keys()])].sort(byText);
  const appsAt = (target: string): Set<string> =>
    new Set([...appsOf(wanted.get(target)), ...appsOf(running.get(target))]);
  const scope = new Map<string, 'all' | Set<string>>();
  for (const word of words) {
    if (targets.includes(word)) {
      scope.set(word, 'all');
      continue;
    }
    const [app, at] = word.split('@') as [string, string | undefined];
    const places = targets.filter((target) => (at === undefined || at === target) && appsAt(target).has(app));
    if (places.length === 0) {
      const names = [...targets, ...targets.flatMap((target) => [...appsAt(target)])];
      return refuse('only_unknown', `nothing is called ${word}.${didYouMean(word, names)}`);
    }
    for (const target of places) {
      const known = scope.get(target);
      if (known !== 'all') scope.set(target, new Set([...(known ?? []), app]));
    }
  }
  return ok(scope);
}

/**
 * A part in which the named apps are as the release has them, and all the others as they run. An app that the release
 * no longer has goes.
 */
export function mergeApps(
  running: ReleasePart,
  wanted: ReleasePart | undefined,
  apps: ReadonlySet<string>,
): Result<ReleasePart, 'only_clash'> {
  const relay = wanted?.relay ?? running.relay;
  const files = [
    ...running.files.filter(({ app }) => !apps.has(app)),
    ...(wanted?.files ?? []).filter(({ app }) => apps.has(app)),
  ].sort((a, b) => byText(a.path, b.path));
  const twice = files.find(({ path }, index) => files[index - 1]?.path === path);
  if (twice !== undefined) {
    const holder = running.files.find(({ path }) => path === twice.path)!.app;
    return refuse('only_clash', `${twice.path} is a file of ${holder} as it runs: bring ${holder} along`);
  }
  const services = new Map<string, string>();
  const merged = [
    ...running.apps.filter(({ name }) => !apps.has(name)),
    ...(wanted?.apps ?? []).filter(({ name }) => apps.has(name)),
  ].sort((a, b) => byText(a.name, b.name));
  for (const { name, units } of merged) {
    for (const { service } of units) {
      const holder = services.get(service);
      if (holder !== undefined && holder !== name) {
        return refuse('only_clash', `${service} is of ${holder} and of ${name}: bring both`);
      }
      services.set(service, name);
    }
  }
  // One target has one intermediate: the newest that permits what its apps have.
  const authority = merged.some(({ certs }) => certs.length > 0)
    ? (wanted?.authority ?? running.authority)
    : undefined;
  return ok({
    target: running.target,
    ...(relay !== undefined && { relay }),
    ...(authority !== undefined && { authority }),
    apps: merged,
    files,
  });
}
