import { readUnits } from '../../../schema/quadlet/unit.ts';
import { folderOf, lastOf } from './found.ts';
import { pathsOf } from './refer.ts';
import { quadletFolder } from './unit-names.ts';

type GivenUnit = {
  /** In the source. */
  readonly path: string;
  /** On the machine, in the folder of units. */
  readonly name: string;
  readonly text: string;
  readonly hint: string | undefined;
};
type Given = { readonly path: string; readonly hint: string | undefined };

/** `certain`: the unit names it by a path from its own place. */
export type Guess = { readonly path: string; readonly unit: string; readonly certain: boolean };

type Mount = { readonly path: string; readonly unit: string; readonly hint: string | undefined };

/**
 * Where files of a folder in an order of its own lie on the machine, by what its units name: a path that begins at the
 * unit itself (`./app.yaml`), or one that ends alike (`grafana/grafana.ini` and `/etc/opt/grafana/grafana.ini`). Only
 * what fits one place alone, and a place that one file alone fits.
 */
export function guessPlaces(units: readonly GivenUnit[], rest: readonly Given[]): ReadonlyMap<string, Guess> {
  const mounts: Mount[] = [];
  const beside: { readonly from: string; readonly to: string; readonly unit: string }[] = [];
  for (const unit of units) {
    const needed = (name: string): readonly string[] => {
      const [read] = readUnits([{ name, text: unit.text, file: name }]);
      return read === undefined ? [] : pathsOf(read);
    };
    // Drop-ins have the sections of their unit, so their text alone is read like one.
    const here = needed(unit.path.replace(/\.d\/[^/]*$/, ''));
    const there = needed(unit.name.replace(/\.d\/[^/]*$/, ''));
    for (const [index, to] of there.entries()) {
      const from = here[index]!;
      if (from.startsWith(quadletFolder) && (from !== to || unit.path === unit.name))
        beside.push({ from: from.slice(quadletFolder.length), to, unit: unit.name });
      else mounts.push({ path: to, unit: unit.name, hint: unit.hint });
    }
  }
  const guesses = new Map<string, Guess>();
  const claims = new Map<string, number>();
  for (const file of rest) {
    const guess = besideUnit(file.path, beside) ?? byTail(file, mounts);
    if (guess === undefined) continue;
    guesses.set(file.path, guess);
    claims.set(guess.path, (claims.get(guess.path) ?? 0) + 1);
  }
  return new Map([...guesses].filter(([, { path }]) => claims.get(path) === 1));
}

function besideUnit(
  path: string,
  beside: readonly { readonly from: string; readonly to: string; readonly unit: string }[],
): Guess | undefined {
  const found = beside.find(({ from }) => path === from || path.startsWith(`${from}/`));
  if (found === undefined) return undefined;
  return { path: found.to + path.slice(found.from.length), unit: found.unit, certain: true };
}

/** The file itself first, then its folders, the closest first. */
function byTail({ path, hint }: Given, mounts: readonly Mount[]): Guess | undefined {
  for (let part = path; part !== ''; part = folderOf(part).slice(0, -1)) {
    const alike = mounts.filter((mount) => lastOf(mount.path) === lastOf(part));
    const own = alike.filter((mount) => hint !== undefined && mount.hint === hint);
    const isFolder = part !== path;
    const found =
      longest(part, own, 1) ?? (own.length > 0 ? undefined : longest(part, alike, isFolder ? 2 : 1));
    if (found !== undefined)
      return { path: found.path + path.slice(part.length), unit: found.unit, certain: false };
  }
  return undefined;
}

/** The one place that has most folders at its end in common with a path, `least` at least. */
function longest(path: string, mounts: readonly Mount[], least: number): Mount | undefined {
  const scores = mounts.map((mount) => ({ mount, score: commonTail(path, mount.path) }));
  const best = Math.max(0, ...scores.map(({ score }) => score));
  if (best < least) return undefined;
  const places = scores.filter(({ score }) => score === best).map(({ mount }) => mount);
  return new Set(places.map((mount) => mount.path)).size === 1 ? places[0] : undefined;
}

function commonTail(a: string, b: string): number {
  const [left, right] = [a.split('/').reverse(), b.split('/').reverse()];
  let count = 0;
  while (count < left.length && left[count] === right[count] && left[count] !== '') count += 1;
  return count;
}
