import type { Database } from './port.ts';

/** A value of the database that is asked for much more often than it changes. */
export type Memory<T> = {
  readonly get: () => Promise<T>;
  /** To be called once a write that may have changed the value is over, whatever came of it. */
  readonly forget: () => void;
};

/**
 * Reads a value once and keeps it until it is told to forget it; each time where others may write as well, and while
 * there is none (null).
 */
export function memoryOf<T>(database: Pick<Database, 'isOwned'>, read: () => Promise<T>): Memory<T> {
  let kept: { readonly value: T } | null = null;
  let changes = 0;
  return {
    get: async () => {
      if (kept !== null) return kept.value;
      const before = changes;
      const value = await read();
      // What changed while it was read may be another value by now.
      if (database.isOwned && changes === before && value !== null) kept = { value };
      return value;
    },
    forget: () => {
      kept = null;
      changes += 1;
    },
  };
}
