import { toBytes } from '../../../schema/jose/digest.ts';

/** A value of a nested file, with the keys and places in lists that lead to it. */
export type Leaf = {
  readonly path: readonly (string | number)[];
  readonly value: Uint8Array<ArrayBuffer>;
  /** Whether the file had it in clear. */
  readonly clear: boolean;
};

/** What YAML and JSON are read as: mappings are Maps, which keep the order of the text. */
export type Tree = null | string | number | boolean | readonly Tree[] | ReadonlyMap<unknown, Tree>;

export type Scalar = string | number | boolean;

/** Every value of a tree but null, in the order of the text. */
export function scalarsOf(
  tree: Tree,
  path: readonly (string | number)[] = [],
): { path: readonly (string | number)[]; scalar: Scalar }[] {
  if (tree === null) return [];
  if (typeof tree !== 'object') return [{ path, scalar: tree }];
  if (tree instanceof Map)
    return [...tree].flatMap(([key, value]) => scalarsOf(value as Tree, [...path, String(key)]));
  return (tree as readonly Tree[]).flatMap((item, index) => scalarsOf(item, [...path, index]));
}

/** The values of a file without encryption. */
export const clearLeaves = (tree: Tree): Leaf[] =>
  scalarsOf(tree).map(({ path, scalar }) => ({ path, value: toBytes(String(scalar)), clear: true }));
