/** Remembers which nonces a key used, for as long as a proof with them could verify. */
export type Nonces = {
  /** False when it was there already. `until` in ms; `nowMs` forgets what is past. */
  remember(kid: string, nonce: string, until: number, nowMs: number): boolean;
  size(): number;
};

/** Only proofs that verified get here, so that a stranger cannot fill it; a key that does is slowed by its rate limit. */
export function memoryNonces(): Nonces {
  const seen = new Map<string, number>();
  let sweepAt = 0;
  return {
    remember: (kid, nonce, until, nowMs) => {
      if (nowMs >= sweepAt) {
        for (const [key, end] of seen) if (end <= nowMs) seen.delete(key);
        sweepAt = nowMs + 10_000;
      }
      const key = `${kid}.${nonce}`;
      const known = seen.get(key);
      if (known !== undefined && known > nowMs) return false;
      seen.set(key, until);
      return true;
    },
    size: () => seen.size,
  };
}
