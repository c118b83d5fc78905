export type Word = {
  readonly text: string;
  /** Of its first character in the value, quotes counted. */
  readonly offset: number;
  readonly quoted: boolean;
};
export type Words = {
  readonly words: readonly Word[];
  /** Why the value as a whole yields nothing: Quadlet then leaves it out without a word. */
  readonly failed?: { readonly why: 'escape' | 'quote'; readonly offset: number };
  /** An empty word (`""`): Quadlet reads nothing behind it. */
  readonly cutAt?: number;
  /** A quote that nothing closes; the rest of the value is one word then. */
  readonly openQuote?: number;
};

/** A value without the quotes around it, as the generator reads single values: any number of them, on either side. */
export function withoutQuotes(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && value[start] === '"') start += 1;
  while (end > start && value[end - 1] === '"') end -= 1;
  return value.slice(start, end);
}

const spaces = new Set([' ', '\t', '\n', '\r']);
const letters: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' },
  ...{ '\\': '\\', '"': '"', "'": "'" },
};

/**
 * Splits a value into words as Quadlet does.
 *
 * @param how `arguments` undoes C escapes and forgives an open quote (Exec, Environment, Secret, Mount, …); `list`
 *   takes a backslash as any character and refuses an open quote (AddCapability, AddDevice, Sysctl, UIDMap, …)
 */
export function splitWords(value: string, how: 'arguments' | 'list'): Words {
  const nul = value.indexOf('\0');
  const text = nul < 0 ? value : value.slice(0, nul);
  const words: Word[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && spaces.has(text[at]!)) at += 1;
    if (at >= text.length) return { words };
    const offset = at;
    let word = '';
    let quote = '';
    let quoteAt = -1;
    let quoted = false;
    while (at < text.length) {
      const c = text[at]!;
      if (c === '\\' && how === 'arguments') {
        const read = readEscape(text, at + 1);
        if (read === undefined) {
          // A backslash at the very end is dropped.
          if (at + 1 >= text.length) {
            at = text.length;
            break;
          }
          return { words: [], failed: { why: 'escape', offset: at } };
        }
        word += read.text;
        at = read.next;
      } else if (quote !== '') {
        if (c === quote) quote = '';
        else word += c;
        at += 1;
      } else if (c === '"' || c === "'") {
        quote = c;
        quoteAt = at;
        quoted = true;
        at += 1;
      } else if (spaces.has(c)) break;
      else {
        word += c;
        at += 1;
      }
    }
    if (quote !== '' && how === 'list') return { words: [], failed: { why: 'quote', offset: quoteAt } };
    if (word === '') return { words, cutAt: offset };
    words.push({ text: word, offset, quoted });
    if (quote !== '') return { words, openQuote: quoteAt };
  }
}

/** What stands behind a backslash, or undefined when no escape is known by that name. */
function readEscape(text: string, at: number): { text: string; next: number } | undefined {
  const c = text[at];
  if (c === undefined) return undefined;
  const plain = Object.hasOwn(letters, c) ? letters[c] : undefined;
  if (plain !== undefined) return { text: plain, next: at + 1 };
  const [digits, radix, from] =
    c === 'x' ? [2, 16, at + 1] : c === 'u' ? [4, 16, at + 1] : c === 'U' ? [8, 16, at + 1] : [3, 8, at];
  const number = text.slice(from, from + digits);
  const known = radix === 16 ? /^[0-9a-fA-F]+$/ : /^[0-7]+$/;
  if (number.length !== digits || !known.test(number)) return undefined;
  const code = Number.parseInt(number, radix);
  if (code === 0 || code > 0x10ffff || (radix === 8 && code > 255)) return undefined;
  return { text: String.fromCodePoint(code), next: from + digits };
}

/** One word so written that it is read back as it is. There is no way to write an empty one, or one with a NUL. */
export function quoteWord(word: string): string {
  if (!/[\s\p{Cc}"'\\]/u.test(word)) return word;
  const escaped = word.replaceAll(/[\p{Cc}"\\\u2028\u2029]/gu, (c) =>
    c === '"' || c === '\\' ? `\\${c}` : `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}
