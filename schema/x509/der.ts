import { ok, type Result, refuse } from '../result.ts';

/** Identifier octets of what certificates are made of (X.690, 8.1.2). */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

type Bytes = Uint8Array<ArrayBuffer>;

export function joinBytes(parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One value in DER, from the bytes of its content or from values that it consists of. */
export function der(tag: number, ...content: readonly Uint8Array[]): Bytes {
  const body = joinBytes(content);
  const { length } = body;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x1_0000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return joinBytes([Uint8Array.of(tag, ...size), body]);
}

export const sequence = (...parts: readonly Uint8Array[]): Bytes => der(tags.sequence, ...parts);

/** `[n]` around other values, or in place of the tag of a simple one. */
export const context = (n: number, ...parts: readonly Uint8Array[]): Bytes => der(0xa0 | n, ...parts);
export const contextSimple = (n: number, content: Uint8Array): Bytes => der(0x80 | n, content);

/** `2.5.29.17` as it is written (X.690, 8.19). */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const group = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) group.unshift((left & 0x7f) | 0x80);
    bytes.push(...group);
  }
  return der(tags.oid, Uint8Array.from(bytes));
}

/** A positive integer from its bytes, the highest first. */
export function integer(bytes: Uint8Array): Bytes {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const trimmed = bytes.subarray(start);
  const sign = (trimmed[0] ?? 0) & 0x80 ? [0] : [];
  return der(tags.integer, Uint8Array.from(sign), trimmed);
}

export const bitString = (bytes: Uint8Array, unused = 0): Bytes =>
  der(tags.bitString, Uint8Array.of(unused), bytes);

/** One value that was read. */
export type DerValue = {
  readonly tag: number;
  readonly content: Bytes;
  /** With its tag and length. */
  readonly whole: Bytes;
};

/** The values that follow each other in some bytes. What is not DER's one form of a length is refused. */
export function readDer(bytes: Bytes): Result<readonly DerValue[], 'der_malformed'> {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    if (first === undefined || (tag & 0x1f) === 0x1f) return refuse('der_malformed');
    let start = at + 2;
    let length = first;
    if (first >= 0x80) {
      const octets = first & 0x7f;
      if (octets < 1 || octets > 3 || start + octets > bytes.length) return refuse('der_malformed');
      length = 0;
      for (let index = 0; index < octets; index += 1) length = length * 256 + bytes[start + index]!;
      start += octets;
      const least = octets === 1 ? 0x80 : 256 ** (octets - 1);
      if (length < least) return refuse('der_malformed');
    }
    if (start + length > bytes.length) return refuse('der_malformed');
    values.push({ tag, content: bytes.slice(start, start + length), whole: bytes.slice(at, start + length) });
    at = start + length;
  }
  return ok(values);
}
