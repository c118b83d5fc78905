/** `take` spends one; `retryMs` is 0 when there was one to spend, else when there will be. */
export type Buckets = {
  take(key: string, nowMs: number): number;
  isEmpty(key: string, nowMs: number): boolean;
};

type Bucket = { left: number; at: number };

/** Token buckets by key: `burst` at once, one more every `everyMs`. At most `maxKeys`, the oldest forgotten first. */
export function buckets(limits: { burst: number; everyMs: number; maxKeys: number }): Buckets {
  const known = new Map<string, Bucket>();
  const now = (key: string, nowMs: number): Bucket => {
    const bucket = known.get(key) ?? { left: limits.burst, at: nowMs };
    const gained = Math.max(0, nowMs - bucket.at) / limits.everyMs;
    return { left: Math.min(limits.burst, bucket.left + gained), at: Math.max(bucket.at, nowMs) };
  };
  return {
    take: (key, nowMs) => {
      const bucket = now(key, nowMs);
      const spent = bucket.left >= 1;
      known.delete(key);
      known.set(key, spent ? { left: bucket.left - 1, at: bucket.at } : bucket);
      if (known.size > limits.maxKeys) known.delete(known.keys().next().value!);
      return spent ? 0 : Math.ceil((1 - bucket.left) * limits.everyMs);
    },
    isEmpty: (key, nowMs) => known.has(key) && now(key, nowMs).left < 1,
  };
}

/** Counts what is open at once, by key. */
export type Gate = { enter(key: string): (() => void) | null };

export function gate(max: number): Gate {
  const open = new Map<string, number>();
  return {
    enter: (key) => {
      const count = open.get(key) ?? 0;
      if (count >= max) return null;
      open.set(key, count + 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        const rest = (open.get(key) ?? 1) - 1;
        if (rest > 0) open.set(key, rest);
        else open.delete(key);
      };
    },
  };
}
