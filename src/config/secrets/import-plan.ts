import * as v from 'valibot';
import { secretNameSchema } from '../../../schema/manifest/values.ts';
import { didYouMean } from '../../../schema/near.ts';
import { byText } from '../repo.ts';
import { maxSecretBytes } from './age-header.ts';
import type { Leaf } from './leaves.ts';

/** A value on its way to be a secret. */
export type Incoming = {
  /** The keys in the file, joined by dots. */
  readonly key: string;
  readonly name: string;
  /** Sorted. */
  readonly machines: readonly string[];
  readonly value: Uint8Array<ArrayBuffer>;
  readonly clear: boolean;
};

export type ImportWishes = {
  /** `KEY=NAME` or `KEY=NAME@MACHINE,…`. */
  readonly maps: readonly string[];
  /** Keys, or the beginnings of keys, that are taken; none: all. */
  readonly only: readonly string[];
  /** Machines of what no map gives any. */
  readonly on: readonly string[];
  /** The machines whose apps list a secret. */
  readonly usersOf: (name: string) => readonly string[];
};

/** Every problem, a sentence each, or what is to be set. */
export type ImportPlan =
  | { readonly ok: true; readonly incoming: readonly Incoming[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const keyOf = ({ path }: Leaf): string => path.join('.');

/** `grafana.pgPassword` → `grafana_pgpassword`; it may still be no name. */
const nameOf = (key: string): string => key.toLowerCase().replace(/[^a-z0-9_-]+/g, '_');

type Wish = { readonly name: string; readonly machines: readonly string[] };

function readMaps(maps: readonly string[], problems: string[]): Map<string, Wish> {
  const wishes = new Map<string, Wish>();
  for (const map of maps) {
    const [, key, name, machines] = /^(.+)=([^=@]+)(?:@([^=@]+))?$/.exec(map) ?? [];
    if (key === undefined || name === undefined) {
      problems.push(`--map ${map} is not such as KEY=NAME or KEY=NAME@MACHINE,MACHINE.`);
    } else wishes.set(key, { name, machines: machines?.split(',') ?? [] });
  }
  return wishes;
}

/** Decides which value becomes which secret of which machines. */
export function planImport(leaves: readonly Leaf[], wishes: ImportWishes): ImportPlan {
  const problems: string[] = [];
  const maps = readMaps(wishes.maps, problems);
  const keys = leaves.map(keyOf);
  for (const key of maps.keys())
    if (!keys.includes(key)) problems.push(`The file has no value ${key}.${didYouMean(key, keys)}`);
  const isUnder = (key: string, wish: string): boolean => key === wish || key.startsWith(`${wish}.`);
  for (const wish of wishes.only) {
    if (!keys.some((key) => isUnder(key, wish)))
      problems.push(`The file has no value ${wish}.${didYouMean(wish, keys)}`);
  }
  const taken = leaves.filter(
    (leaf) => wishes.only.length === 0 || wishes.only.some((wish) => isUnder(keyOf(leaf), wish)),
  );
  const holders = new Map<string, string>();
  const incoming = taken.flatMap((leaf): Incoming[] => {
    const key = keyOf(leaf);
    const wish = maps.get(key);
    // A key that an app lists as it is needs no other name: POSTGRES_PASSWORD.
    const name = wish?.name ?? (wishes.usersOf(key).length > 0 ? key : nameOf(key));
    if (!v.is(secretNameSchema, name)) {
      problems.push(
        `${key} makes no name of a secret (${name}): 1 to 63 of A-Z, a-z, 0-9, _, . and -, starting with a letter or a digit. Name it with --map ${key}=NAME.`,
      );
      return [];
    }
    const { length } = leaf.value;
    if (length === 0 || length > maxSecretBytes) {
      problems.push(`${key} has ${length} bytes; Podman takes 1 to ${maxSecretBytes} as a secret.`);
      return [];
    }
    const named = wish !== undefined && wish.machines.length > 0 ? wish.machines : wishes.on;
    const machines = [...new Set(named.length > 0 ? named : wishes.usersOf(name))].sort(byText);
    if (machines.length === 0) {
      problems.push(
        `No app lists the secret ${name} (from ${key}). Say where it goes with --on MACHINE or --map ${key}=${name}@MACHINE, or leave it out with --only.`,
      );
      return [];
    }
    for (const machine of machines) {
      const place = `${name} of ${machine}`;
      const other = holders.get(place);
      if (other !== undefined) problems.push(`${other} and ${key} would both be the secret ${place}.`);
      holders.set(place, key);
    }
    return [{ key, name, machines, value: leaf.value, clear: leaf.clear }];
  });
  if (taken.length === 0 && problems.length === 0) problems.push('The file has no values.');
  return problems.length > 0 ? { ok: false, problems } : { ok: true, incoming };
}
