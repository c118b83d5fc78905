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

type Entry = { readonly path: readonly (string | number)[]; readonly scalar: Scalar; readonly text: string };

/**
 * Every value of a tree but null, in the order of the text.
 *
 * @param texts the same tree, with each value as it stands in the file
 */
export function scalarsOf(tree: Tree, texts: Tree, path: readonly (string | number)[] = []): Entry[] {
  if (tree === null) return [];
  if (typeof tree !== 'object') return [{ path, scalar: tree, text: String(texts) }];
  if (tree instanceof Map) {
    const there = [...(texts as ReadonlyMap<unknown, Tree>)];
    return [...(tree as ReadonlyMap<unknown, Tree>).values()].flatMap((value, index) => {
      const [key, text] = there[index]!;
      return scalarsOf(value, text, [...path, String(key)]);
    });
  }
  return (tree as readonly Tree[]).flatMap((item, index) =>
    scalarsOf(item, (texts as readonly Tree[])[index]!, [...path, index]),
  );
}

/** The values of a file without encryption, as they stand there: a password of digits is no number. */
export const clearLeaves = (tree: Tree, texts: Tree): Leaf[] =>
  scalarsOf(tree, texts).map(({ path, text }) => ({ path, value: toBytes(text), clear: true }));
