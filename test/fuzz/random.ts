/** Numbers that only a seed decides (mulberry32). */
export type Random = {
  /** A whole number from 0 up to, not including, `below`; 0 where that is 0. */
  below(below: number): number;
  /** True once in so many times. */
  once(inTimes: number): boolean;
  pick<T>(from: ArrayLike<T>): T;
};

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => (limit <= 1 ? 0 : next() % limit);
  return {
    below,
    once: (inTimes) => below(inTimes) === 0,
    pick: (from) => from[below(from.length)]!,
  };
}
