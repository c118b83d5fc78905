import { byText } from '../repo.ts';

/** A record with each value changed, its keys in order. */
export const sorted = <T, U>(
  record: Readonly<Record<string, T>>,
  change: (name: string, value: T) => U,
): Record<string, U> =>
  Object.fromEntries(
    Object.keys(record)
      .sort(byText)
      .map((name) => [name, change(name, record[name]!)]),
  );
