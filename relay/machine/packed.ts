/** Lists that each fit into one call, in the order of what they hold. */
export function packed<T>(all: readonly T[], bytesOf: (one: T) => number, maxBytes: number): T[][] {
  const lists: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const one of all) {
    size += bytesOf(one);
    if (size > maxBytes) {
      lists.push([]);
      size = bytesOf(one);
    }
    lists.at(-1)!.push(one);
  }
  return lists;
}
