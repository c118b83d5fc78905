import type { Bytes, Pool } from './mutate-bytes.ts';
import type { Random } from './random.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Holder = Json[] | { [name: string]: Json };

const parse = (bytes: Uint8Array): Json | undefined => {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
  } catch {
    return undefined;
  }
};

const isHolder = (value: Json): value is Holder => typeof value === 'object' && value !== null;

/** Every place of a document, at most some thousands. */
function placesIn(root: Json): { in: Holder; at: string }[] {
  const places: { in: Holder; at: string }[] = [];
  const left: Json[] = [root];
  while (left.length > 0 && places.length < 5_000) {
    const value = left.pop()!;
    if (!isHolder(value)) continue;
    for (const at of Object.keys(value)) {
      places.push({ in: value, at });
      left.push((value as { [name: string]: Json })[at]!);
    }
  }
  return places;
}

const odd: readonly Json[] = [
  ...[
    null,
    true,
    false,
    0,
    -0,
    -1,
    1,
    0.5,
    1e21,
    -1e308,
    2 ** 53,
    2 ** 53 - 1,
    2 ** 31,
    2 ** 32,
    '',
    ' ',
    'x',
  ],
  ...['\u0000', '__proto__', '\ud83d\ude00', '\n', '..', 'a'.repeat(300), '9'.repeat(400), 'A'.repeat(5_000)],
];
const oddOf = (random: Random): Json => {
  if (random.once(6)) return [];
  if (random.once(6)) return {};
  return random.pick(odd);
};

/** The value in so many arrays or objects. */
const nested = (random: Random, value: Json): Json => {
  let out = value;
  const name = random.pick(['a', 'data', 'steps']);
  const isArray = random.once(2);
  for (let depth = 1 << random.below(11); depth > 0; depth -= 1) out = isArray ? [out] : { [name]: out };
  return out;
};

/** How often something may stand there, so that the whole stays below some hundred kilobytes. */
const timesOf = (random: Random, value: Json | undefined): number =>
  Math.min(1 << random.below(11), Math.ceil(100_000 / (JSON.stringify(value ?? null).length + 1)));

/** One change to the document that some bytes are; null where they are none, or nothing is in it. */
export function mutateJson(random: Random, bytes: Bytes, { others }: Pool): Bytes | null {
  const root = parse(bytes);
  if (root === undefined || !isHolder(root)) return null;
  const places = placesIn(root);
  if (places.length === 0) return null;
  const place = random.pick(places);
  const holder = place.in as { [name: string]: Json };
  const value = holder[place.at]!;
  const elsewhere = random.pick(places);
  const copy = (): Json => structuredClone((elsewhere.in as { [name: string]: Json })[elsewhere.at]!);
  const set = (next: Json): void => {
    Object.defineProperty(holder, place.at, {
      value: next,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  };
  const ways: readonly (() => void)[] = [
    () => set(oddOf(random)),
    () => set(oddOf(random)),
    () => set(copy()),
    () => set(nested(random, value)),
    () => {
      if (Array.isArray(holder)) holder.splice(Number(place.at), 1);
      else delete holder[place.at];
    },
    () => {
      if (Array.isArray(holder)) holder.splice(Number(place.at), 0, copy());
      else holder[`${place.at}${random.pick(['', '_', '2', ' '])}x`] = copy();
    },
    () => {
      if (Array.isArray(value))
        set(Array.from({ length: timesOf(random, value[0]) }, () => value[0] ?? null));
      else if (typeof value === 'string') set(value.repeat(1 << random.below(8)).slice(0, 50_000));
      else if (typeof value === 'number') set(value + random.pick([1, -1, 0.5, 1e15, -1e15]));
      else set(oddOf(random));
    },
    () => {
      const other = parse(random.pick(others));
      const found = other === undefined ? [] : placesIn(other);
      if (found.length > 0) {
        const from = random.pick(found);
        set((from.in as { [name: string]: Json })[from.at]!);
      }
    },
  ];
  random.pick(ways)();
  const text = JSON.stringify(root, null, random.once(8) ? 2 : 0);
  return new Uint8Array(Buffer.from(twisted(random, text), 'utf8'));
}

/** A text that other parsers take alike, or differently: names twice, escapes, what stands beside. */
function twisted(random: Random, text: string): string {
  if (!random.once(6)) return text;
  const ways: readonly (() => string)[] = [
    () => text.replace(/"([a-z_]+)":([^{}[\],]+)/, '"$1":$2,"$1":$2'),
    () =>
      text.replace(/"([a-z])/g, (all, letter: string) =>
        random.once(5) ? `"\\u00${letter.charCodeAt(0).toString(16)}` : all,
      ),
    () => `\ufeff${text}`,
    () => `${text}${text}`,
    () => text.replace(/,/, ',,'),
    () => text.replace(/:(\d+)/, ':$1e0'),
  ];
  return random.pick(ways)();
}
