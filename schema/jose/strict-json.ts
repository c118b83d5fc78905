import { ok, type Result, refuse } from '../result.ts';
import { toBytes } from './digest.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type JsonRefusal =
  | 'json_too_large'
  | 'json_not_utf8'
  | 'json_malformed'
  | 'json_too_deep'
  | 'json_duplicate_key';

/** Deeper than any document of the protocol; keeps hostile input from growing the stack. */
const defaultMaxDepth = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class JsonFault extends Error {
  readonly reason: JsonRefusal;
  constructor(reason: JsonRefusal, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** A key is its sender's own word: neither long in a refusal, nor with characters that act on a terminal. */
const maxShownChars = 60;

/** Keys that objects treat apart, and that validators of records leave out without a word. */
export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether an input is larger than a number of bytes; a text counts as UTF-8. */
const isLarger = (input: Uint8Array | string, maxBytes: number): boolean =>
  input.length > maxBytes || (typeof input === 'string' && toBytes(input).length > maxBytes);

/**
 * Parses JSON (RFC 8259) as two parsers can only agree on it: no duplicate key (also not by escapes), no
 * key such as `__proto__`, no lone surrogate, no number beyond what a double holds, a limit on bytes before
 * anything is read and a limit on depth.
 */
export function parseStrictJson(
  input: Uint8Array | string,
  limits: { maxBytes: number; maxDepth?: number },
): Result<JsonValue, JsonRefusal> {
  if (isLarger(input, limits.maxBytes)) return refuse('json_too_large', `more than ${limits.maxBytes} bytes`);
  let text: string;
  if (typeof input === 'string') {
    text = input;
  } else {
    try {
      text = utf8.decode(input);
    } catch {
      return refuse('json_not_utf8', 'not UTF-8');
    }
  }
  try {
    return ok(readDocument(text, limits.maxDepth ?? defaultMaxDepth));
  } catch (fault) {
    if (fault instanceof JsonFault) return refuse(fault.reason, fault.message);
    throw fault;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 forbids them in strings
const plainPattern = /[^"\\\u0000-\u001f]*/y;
const escapePattern = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const spacePattern = /[ \t\n\r]*/y;

function readDocument(text: string, maxDepth: number): JsonValue {
  let at = 0;

  const malformed = (): never => {
    throw new JsonFault('json_malformed', `malformed JSON at character ${at}`);
  };
  const skipSpace = (): void => {
    spacePattern.lastIndex = at;
    spacePattern.test(text);
    at = spacePattern.lastIndex;
  };
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return malformed();
    at = pattern.lastIndex;
    return match[0];
  };
  const readString = (): string => {
    const from = at;
    if (text[at] !== '"') malformed();
    at += 1;
    // Piece by piece: one pattern for a whole string would need stack for each of its escapes.
    for (;;) {
      take(plainPattern);
      if (text[at] === '"') break;
      take(escapePattern);
    }
    at += 1;
    const value = JSON.parse(text.slice(from, at)) as string;
    return value.isWellFormed() ? value : malformed();
  };
  const readNumber = (): number => {
    const value = Number(take(numberPattern));
    return Number.isFinite(value) ? value : malformed();
  };
  const readWord = (word: string, value: boolean | null): boolean | null => {
    if (!text.startsWith(word, at)) return malformed();
    at += word.length;
    return value;
  };
  /** Reads `item (, item)* close`, the opening bracket being read already. */
  const readItems = (close: string, readItem: () => void): void => {
    skipSpace();
    if (text[at] === close) {
      at += 1;
      return;
    }
    for (;;) {
      skipSpace();
      readItem();
      skipSpace();
      const next = text[at];
      at += 1;
      if (next === close) return;
      if (next !== ',') {
        at -= 1;
        malformed();
      }
    }
  };
  const readValue = (depth: number): JsonValue => {
    if (depth > maxDepth) throw new JsonFault('json_too_deep', `deeper than ${maxDepth} levels`);
    switch (text[at]) {
      case '{': {
        at += 1;
        const members: { [key: string]: JsonValue } = {};
        readItems('}', () => {
          const key = readString();
          if (forbiddenKeys.has(key)) malformed();
          if (Object.hasOwn(members, key)) {
            const shown = JSON.stringify(key.slice(0, maxShownChars).replace(/\p{C}/gu, '\ufffd'));
            throw new JsonFault('json_duplicate_key', `the key ${shown} stands twice`);
          }
          skipSpace();
          if (text[at] !== ':') malformed();
          at += 1;
          skipSpace();
          members[key] = readValue(depth + 1);
        });
        return members;
      }
      case '[': {
        at += 1;
        const items: JsonValue[] = [];
        readItems(']', () => {
          items.push(readValue(depth + 1));
        });
        return items;
      }
      case '"':
        return readString();
      case 't':
        return readWord('true', true);
      case 'f':
        return readWord('false', false);
      case 'n':
        return readWord('null', null);
      default:
        return readNumber();
    }
  };

  skipSpace();
  const value = readValue(1);
  skipSpace();
  return at === text.length ? value : malformed();
}
