import { type Argument, type StoreReason, storeError, toArgument, type Value } from './port.ts';

/**
 * libSQL binds every JS number as REAL (so `typeof(?)` of 5 is 'real') and aborts the whole process on a boolean, an
 * object or the like: so each argument is checked, and integers go as bigints. The HTTP protocol sends numbers as REAL alike.
 */
export function toBound(value: Argument): string | number | bigint | null | Uint8Array {
  const checked = toArgument(value);
  return typeof checked === 'number' && Number.isInteger(checked) ? BigInt(checked) : checked;
}

/** Reads one column value as a driver returns it. Throws StoreError `corrupt` for what no caller can have stored. */
export function fromDriver(value: unknown): Value {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number') {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw storeError('corrupt', 'an integer beyond the safe range');
    }
    return value;
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array) return value;
  throw storeError('corrupt', `a column of type ${typeof value}`);
}

const reasons: Readonly<Record<string, StoreReason>> = {
  SQLITE_CONSTRAINT: 'constraint',
  SQLITE_BUSY: 'busy',
  SQLITE_LOCKED: 'busy',
  SQLITE_PROTOCOL: 'busy',
  SQLITE_FULL: 'full',
  SQLITE_READONLY: 'readonly',
  SQLITE_PERM: 'readonly',
  SQLITE_INTERRUPT: 'unavailable',
  SQLITE_CANTOPEN: 'unavailable',
  SQLITE_IOERR: 'unavailable',
  SQLITE_NOMEM: 'unavailable',
  SQLITE_NOLFS: 'unavailable',
  SQLITE_CORRUPT: 'corrupt',
  SQLITE_NOTADB: 'corrupt',
};

/** The reason for one of SQLite's codes, extended (`SQLITE_IOERR_FSYNC`) or not; undefined when it means a bug. */
export function reasonOfCode(code: string): StoreReason | undefined {
  const primary = /^SQLITE_[A-Z]+/.exec(code)?.[0];
  return primary === undefined ? undefined : reasons[primary];
}
