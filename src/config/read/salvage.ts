import type * as v from 'valibot';
import { cutsFor, originOf, without } from './cut.ts';
import { holdShape } from './shape.ts';
import type { Path } from './yaml.ts';

/** What of a value fits its shape when the rest is left out. */
export type Salvaged<T> = {
  readonly value: T;
  /** What was left out. */
  readonly cuts: readonly Path[];
  /** Where a member of the value stands in the whole. */
  readonly origin: (path: Path) => Path;
};

/**
 * Leaves out of a value what does not fit its shape, in pieces that somebody would take away as one; null where nothing
 * is left.
 *
 * @param piece of a faulty path the part that goes, such as the whole entry of a list
 * @param stubs members that must be there, put in where they are missing or left out
 */
export function salvage<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  piece: (path: Path) => Path,
  stubs: Readonly<Record<string, unknown>>,
): Salvaged<v.InferOutput<S>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const cuts: Path[] = [];
  for (;;) {
    const kept = { ...stubs, ...(without(value, cuts) as Readonly<Record<string, unknown>>) };
    const origin = (path: Path): Path => originOf(value, cuts, path);
    const read = holdShape(schema, kept);
    if (read.ok) return { value: read.value, cuts, origin };
    const made = cutsFor(
      value,
      cuts,
      read.faults.map(({ path }) => piece(origin(path))),
    );
    if (made.length === 0) return null;
    cuts.push(...made);
  }
}
