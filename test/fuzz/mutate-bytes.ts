import type { Random } from './random.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

export const join = (...parts: readonly Uint8Array[]): Bytes => {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
};

const replace = (bytes: Bytes, from: number, to: number, by: Uint8Array): Bytes =>
  join(bytes.subarray(0, from), by, bytes.subarray(to));

/** A piece of some bytes, mostly a short one. */
function pieceOf(random: Random, bytes: Bytes): readonly [number, number] {
  const from = random.below(bytes.length + 1);
  const most = random.once(4) ? bytes.length : Math.min(bytes.length, 1 << random.below(8));
  return [from, Math.min(bytes.length, from + random.below(most + 1))];
}

/** Bytes that readers trip over: ends of ranges, of text and of UTF-8, and what the formats are made of. */
const sharp = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0xc0, 0xed, 0xf4, 0xef, 0x0a, 0x0d, 0x09, 0x20, 0x22, 0x5c];

const encoder = new TextEncoder();
/** Numbers and texts at the edges of what is written somewhere as a number or a text. */
const edges = [
  ...['0', '-0', '-1', '1', '255', '256', '65535', '65536', '2147483647', '2147483648', '4294967296'],
  ...['9007199254740991', '9007199254740992', '-9007199254740993', '1e308', '1e400', '-1e-400', '1e5', '0.1'],
  ...['00', '0x10', '1_000', '+1', 'NaN', 'Infinity', '99999999999999999999999999', '1970-01-01T00:00:00Z'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'null', 'true', 'undefined'],
  ...[
    '\u0000',
    '\ufeff',
    '\u202e',
    '\ufffd',
    '\u{1f600}',
    '\\ud800',
    '\\u0000',
    '..',
    '../..',
    '/',
    '//',
    '%2e',
  ],
].map((text) => encoder.encode(text));

export type Pool = { readonly others: readonly Bytes[]; readonly words: readonly Bytes[] };
type Mutate = (random: Random, bytes: Bytes, pool: Pool) => Bytes;

const flip: Mutate = (random, bytes) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)]! ^= 1 << random.below(8);
  return out;
};
const set: Mutate = (random, bytes) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)] = random.once(2) ? random.pick(sharp) : random.below(256);
  return out;
};
const remove: Mutate = (random, bytes) => {
  const [from, to] = pieceOf(random, bytes);
  return replace(bytes, from, to, new Uint8Array());
};
const cut: Mutate = (random, bytes) => bytes.slice(0, random.below(bytes.length + 1));
const insert: Mutate = (random, bytes) => {
  const at = random.below(bytes.length + 1);
  return replace(
    bytes,
    at,
    at,
    Uint8Array.from({ length: 1 + random.below(4) }, () => random.pick(sharp)),
  );
};
const word: Mutate = (random, bytes, { words }) => {
  const by = words.length === 0 || random.once(3) ? random.pick(edges) : random.pick(words);
  const [from, to] = random.once(2) ? pieceOf(random, bytes) : [random.below(bytes.length + 1), null];
  return replace(bytes, from, to ?? from, by);
};
/** Some piece again and again, seldom very often. */
const repeat: Mutate = (random, bytes) => {
  const [from, to] = pieceOf(random, bytes);
  const times = 1 << random.below(random.once(8) ? 14 : 5);
  const piece = bytes.subarray(from, Math.min(to, from + Math.max(1, Math.floor(60_000 / times))));
  return replace(bytes, from, from, join(...Array.from({ length: times }, () => piece)));
};
/** Of these, many in a row make a reader that looks at all before it for each take long. */
const links = [
  ...[
    '\0',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '-',
    '- ',
    '? ',
    ': ',
    'a: ',
    'a\n',
    'a:\n',
    '[',
    ']',
    '{',
    '}',
    '(',
    '"',
    "'",
    '\\',
  ],
  ...[
    '\\\n',
    ',',
    ', ',
    '0',
    '0 ',
    '9',
    'a',
    'a ',
    'a=',
    'a=\n',
    '=',
    '/',
    '/*',
    '/**/',
    '*',
    '* ',
    '&a ',
    '*a ',
    '! ',
    '|',
    '>',
    '#',
  ],
  ...[
    '#\n',
    '%',
    '%a',
    '{{',
    '{% if a %}',
    '{#',
    '((',
    'a.',
    '.',
    '..',
    ':',
    '@',
    '~',
    '+',
    '-> a b\n',
    'é',
    '[a]\n',
    'a b=c\n',
  ],
].map((text) => encoder.encode(text));
const stretch: Mutate = (random, bytes, { words }) => {
  const link = random.once(4) && words.length > 0 ? random.pick(words) : random.pick(links);
  const size = 1_000 << random.below(7);
  const at = random.once(3) ? 0 : random.below(bytes.length + 1);
  const filled = new Uint8Array(Math.ceil(size / Math.max(1, link.length)) * link.length);
  for (let from = 0; from < filled.length; from += link.length) filled.set(link, from);
  return random.once(3) ? filled : replace(bytes, at, at, filled);
};
const splice: Mutate = (random, bytes, { others }) => {
  const other = random.pick(others);
  const [from, to] = pieceOf(random, bytes);
  const [otherFrom, otherTo] = pieceOf(random, other);
  return replace(bytes, from, to, other.subarray(otherFrom, otherTo));
};
const cross: Mutate = (random, bytes, { others }) => {
  const other = random.pick(others);
  return join(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  );
};
const move: Mutate = (random, bytes) => {
  const [from, to] = pieceOf(random, bytes);
  const rest = join(bytes.subarray(0, from), bytes.subarray(to));
  const at = random.below(rest.length + 1);
  return replace(rest, at, at, bytes.subarray(from, to));
};
/** A number that stands there as text by another. */
const number: Mutate = (random, bytes) => {
  const text = Buffer.from(bytes).toString('latin1');
  const found = [...text.matchAll(/-?\d+/g)].slice(0, 500);
  if (found.length === 0) return insert(random, bytes, { others: [], words: [] });
  const { index, 0: digits } = random.pick(found);
  const near = String(Number(digits) + random.pick([-1, 1, 0.5, 1000]));
  return replace(
    bytes,
    index,
    index + digits.length,
    random.once(2) ? random.pick(edges) : encoder.encode(near),
  );
};
/** Lines twice, gone, moved, joined, with other ends. */
const line: Mutate = (random, bytes, { others }) => {
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const at = random.below(lines.length);
  const foreign = () => random.pick(Buffer.from(random.pick(others)).toString('latin1').split('\n'));
  const ways: readonly (() => void)[] = [
    () => void lines.splice(at, 1),
    () => void lines.splice(random.below(lines.length), 0, lines[at]!),
    () => void lines.splice(at, 1, foreign()),
    () => void lines.splice(at, 0, foreign()),
    () => void lines.splice(at, 2, lines.slice(at, at + 2).join('')),
    () => void lines.splice(at, 1, `${lines[at]}\r`),
    () => void lines.splice(at, 1, `${lines[at]}\\`),
    () => void lines.splice(at, 1, `${' '.repeat(1 + random.below(8))}${lines[at]}`),
    () => void lines.splice(at, 1, lines[at]!.trimStart()),
  ];
  random.pick(ways)();
  return new Uint8Array(Buffer.from(lines.join('\n'), 'latin1'));
};

const ways: readonly Mutate[] = [
  ...[
    flip,
    set,
    remove,
    cut,
    insert,
    word,
    word,
    repeat,
    stretch,
    splice,
    splice,
    cross,
    move,
    number,
    number,
    line,
    line,
  ],
];

/** One change to some bytes, whatever they mean. */
export const mutateBytes: Mutate = (random, bytes, pool) => random.pick(ways)(random, bytes, pool);
