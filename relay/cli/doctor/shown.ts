import type { Ran } from './check.ts';

/** What `systemctl show` prints, by property. */
export const readShown = (ran: NonNullable<Ran>): ReadonlyMap<string, string> =>
  new Map(
    ran.out
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** Settings that are not as they were shipped, as the unit has them. */
export const looseOf = (
  shown: ReadonlyMap<string, string>,
  shipped: Readonly<Record<string, string>>,
): string[] =>
  Object.entries(shipped)
    .filter(([name, wanted]) => shown.get(name) !== wanted)
    .map(([name, wanted]) => `${name}=${wanted}`);
