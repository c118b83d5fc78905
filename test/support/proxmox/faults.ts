/** What can go wrong on the wire or in the server, on demand. */
export type Fault =
  /** Any answer: 595, an old error body, a status of another program. */
  | { readonly kind: 'answer'; readonly status: number; readonly reason: string; readonly body?: string }
  | { readonly kind: 'no_worker' }
  | { readonly kind: 'config_locked' }
  /** The right answer, late. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Nothing at all; the connection stays open. */
  | { readonly kind: 'silent' }
  /** A right beginning, then one byte at a time for ever. */
  | { readonly kind: 'drip'; readonly everyMs: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'huge'; readonly bytes: number }
  /** The connection is cut before anything is done. */
  | { readonly kind: 'cut' }
  /** Everything is done, and the connection cut instead of the answer. */
  | { readonly kind: 'lost_answer' };

export type FaultRule = {
  readonly fault: Fault;
  readonly method?: 'GET' | 'POST';
  /** Matched against the path below `/api2/json`. */
  readonly path?: RegExp;
  /** How often; once by default. */
  readonly times?: number;
};

export type Faults = {
  /** Returns how often the rule has struck. Later rules come first. */
  add(rule: FaultRule): () => number;
  clear(): void;
  take(method: string, path: string): Fault | undefined;
};

export function createFaults(): Faults {
  let rules: { rule: FaultRule; struck: number }[] = [];
  return {
    add(rule) {
      const entry = { rule, struck: 0 };
      rules.unshift(entry);
      return () => entry.struck;
    },
    clear() {
      rules = [];
    },
    take(method, path) {
      const entry = rules.find(
        ({ rule, struck }) =>
          struck < (rule.times ?? 1) && (rule.method ?? method) === method && (rule.path ?? /^/).test(path),
      );
      if (entry === undefined) return undefined;
      entry.struck += 1;
      return entry.rule.fault;
    },
  };
}
