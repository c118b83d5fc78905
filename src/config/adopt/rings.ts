/** Things that are joined pair by pair, and the sets that come of it. */
export type Rings = {
  add(one: string): void;
  join(one: string, other: string): void;
  /** One name for all of a set. */
  of(one: string): string;
  /** The sets, each in the order in which its members were added. */
  all(): readonly (readonly string[])[];
};

export function createRings(): Rings {
  const above = new Map<string, string>();
  const find = (one: string): string => {
    let at = one;
    for (let next = above.get(at); next !== undefined && next !== at; next = above.get(at)) at = next;
    above.set(one, at);
    return at;
  };
  return {
    add(one) {
      if (!above.has(one)) above.set(one, one);
    },
    join(one, other) {
      for (const name of [one, other]) if (!above.has(name)) above.set(name, name);
      above.set(find(one), find(other));
    },
    of: find,
    all() {
      const sets = new Map<string, string[]>();
      for (const one of above.keys()) sets.set(find(one), [...(sets.get(find(one)) ?? []), one]);
      return [...sets.values()];
    },
  };
}
