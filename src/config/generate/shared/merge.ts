type Tree = Readonly<Record<string, unknown>>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Puts one tree over another: objects are merged, `null` takes a member away, all else takes the other's place. */
export function mergeOver(base: Tree, over: Tree): Tree {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const old = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isTree(old) && isTree(value) ? mergeOver(old, value) : value);
  }
  return Object.fromEntries(merged);
}
