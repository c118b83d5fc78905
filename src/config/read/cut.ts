import type { Path } from './yaml.ts';

type Members = Readonly<Record<string | number, unknown>>;

const below = (cuts: readonly Path[], key: string | number): Path[] =>
  cuts.filter(([first]) => first === key).map((path) => path.slice(1));

const isCut = (cuts: readonly Path[]): boolean => cuts.some(({ length }) => length === 0);

/** A value without the parts at these paths. The entries of a list behind one that is left out move up. */
export function without(value: unknown, cuts: readonly Path[]): unknown {
  if (cuts.length === 0 || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, one]) => {
    const own = below(cuts, Array.isArray(value) ? Number(name) : name);
    return isCut(own) ? [] : [[name, without(one, own)] as const];
  });
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

/** The path in the whole value of what stands at `path` without the cuts. */
export function originOf(value: unknown, cuts: readonly Path[], path: Path): Path {
  const [key, ...rest] = path;
  if (key === undefined) return [];
  if (cuts.length === 0 || typeof value !== 'object' || value === null) return path;
  const left = Array.isArray(value) ? [...value.keys()].filter((one) => !isCut(below(cuts, one))) : [];
  const real = Array.isArray(value) ? (left[Number(key)] ?? key) : key;
  return [real, ...originOf((value as Members)[real], below(cuts, real), rest)];
}

/**
 * Cuts for faults at these paths, beside those that were made before. A fault of what is missing, or was cut, takes
 * along what lacks it. Empty where only the whole value is left to cut.
 */
export function cutsFor(value: unknown, before: readonly Path[], paths: readonly Path[]): Path[] {
  const cuts = paths.map((path) => innermost(value, before, path)).filter(({ length }) => length > 0);
  return [...new Map(cuts.map((path) => [path.join('\n'), path])).values()];
}

/** The innermost part on the way to a path that is there and not cut yet; empty: the value itself. */
function innermost(value: unknown, cuts: readonly Path[], path: Path): Path {
  let at = value;
  let inside = cuts;
  for (const [index, key] of path.entries()) {
    inside = below(inside, key);
    const isThere = typeof at === 'object' && at !== null && Object.hasOwn(at, key) && !isCut(inside);
    if (!isThere) return path.slice(0, index);
    at = (at as Members)[key];
  }
  return path;
}
