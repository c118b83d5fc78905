/**
 * As much of D-Bus's wire format as is needed to ask systemd for units (D-Bus specification, "Message Protocol"): little
 * endian, arguments that are strings or lists of them, answers of strings, structs and arrays.
 */

/** What is called: an object, an interface and its member. */
export type Callee = { readonly path: string; readonly of: string; readonly member: string };
export type Argument = string | readonly string[];

/** A message that came; `replyTo` is 0 for what is no answer. */
export type Message = {
  readonly kind: 'answer' | 'error' | 'other';
  readonly replyTo: number;
  /** Of an error: its name. */
  readonly error: string;
  readonly body: Uint8Array;
};

const little = 0x6c;
const kinds = { call: 1, answer: 2, error: 3 } as const;
const fields = { path: 1, interface: 2, member: 3, error: 4, replySerial: 5, destination: 6, signature: 8 };
const fixedBytes = 16;

const padding = (at: number, to: number): number => (to - (at % to)) % to;

/** Bytes that are written one after the other, each aligned as its type wants it. */
function createWriter() {
  const bytes: number[] = [];
  const align = (to: number): void => {
    for (let left = padding(bytes.length, to); left > 0; left -= 1) bytes.push(0);
  };
  const number = (value: number): void => {
    align(4);
    bytes.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, (value >>> 24) & 255);
  };
  const string = (text: string): void => {
    const encoded = new TextEncoder().encode(text);
    number(encoded.length);
    bytes.push(...encoded, 0);
  };
  const signature = (text: string): void => {
    bytes.push(text.length, ...new TextEncoder().encode(text), 0);
  };
  /** A list of what `write` writes, with its length in front. */
  const list = (elementAlignment: number, write: () => void): void => {
    number(0);
    const lengthAt = bytes.length - 4;
    align(elementAlignment);
    const from = bytes.length;
    write();
    const length = bytes.length - from;
    for (let byte = 0; byte < 4; byte += 1) bytes[lengthAt + byte] = (length >>> (8 * byte)) & 255;
  };
  return { bytes, align, number, string, signature, list };
}

/** A call, as bytes. */
export function callMessage(
  serial: number,
  destination: string,
  { path, of, member }: Callee,
  given: readonly Argument[],
): Uint8Array {
  const body = createWriter();
  for (const one of given) {
    if (typeof one === 'string') body.string(one);
    else body.list(4, () => one.forEach(body.string));
  }
  const head = createWriter();
  head.bytes.push(little, kinds.call, 0, 1);
  head.number(body.bytes.length);
  head.number(serial);
  const texts: readonly [number, string, string][] = [
    [fields.path, 'o', path],
    [fields.interface, 's', of],
    [fields.member, 's', member],
    [fields.destination, 's', destination],
  ];
  head.list(8, () => {
    for (const [field, type, text] of texts) {
      head.align(8);
      head.bytes.push(field);
      head.signature(type);
      head.string(text);
    }
    head.align(8);
    head.bytes.push(fields.signature);
    head.signature('g');
    head.signature(given.map((one) => (typeof one === 'string' ? 's' : 'as')).join(''));
  });
  head.align(8);
  return new Uint8Array([...head.bytes, ...body.bytes]);
}

function createReader(bytes: Uint8Array, from = 0) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  const align = (to: number): void => {
    at += padding(at, to);
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('a message is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (): number => {
    align(4);
    take(4);
    return view.getUint32(at - 4, true);
  };
  const text = (length: number): string => {
    const read = new TextDecoder().decode(take(length));
    take(1);
    return read;
  };
  const signature = (): string => text(take(1)[0]!);
  /** One value; numbers as text. */
  const value = (type: string): string => {
    if (type === 'u') return String(number());
    if (type === 'y') return String(take(1)[0]!);
    if (type === 'g') return signature();
    if (type === 'v') return value(signature());
    if (type === 's' || type === 'o') return text(number());
    throw new Error(`a value of type ${type} is not read`);
  };
  return { align, take, number, value, at: () => at };
}

/** How many bytes the message has that begins here; null until that is known. */
export function messageBytes(bytes: Uint8Array): number | null {
  if (bytes.length < fixedBytes) return null;
  if (bytes[0] !== little) throw new Error('a message is not little endian');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = fixedBytes + view.getUint32(12, true);
  return head + padding(head, 8) + view.getUint32(4, true);
}

/** Reads a whole message. */
export function readMessage(bytes: Uint8Array): Message {
  const reader = createReader(bytes, 12);
  const end = fixedBytes + reader.number();
  let replyTo = 0;
  let error = '';
  while (reader.at() < end) {
    reader.align(8);
    const field = reader.take(1)[0]!;
    const said = reader.value('v');
    if (field === fields.replySerial) replyTo = Number(said);
    if (field === fields.error) error = said;
  }
  const kind = bytes[1] === kinds.answer ? 'answer' : bytes[1] === kinds.error ? 'error' : 'other';
  return { kind, replyTo, error, body: bytes.subarray(end + padding(end, 8)) };
}

/** Reads a body that is an array of structs, each of the given types (`ssou`). */
export function readStructs(body: Uint8Array, types: string): string[][] {
  const reader = createReader(body);
  const length = reader.number();
  reader.align(8);
  const end = reader.at() + length;
  const rows: string[][] = [];
  while (reader.at() < end) {
    reader.align(8);
    rows.push([...types].map(reader.value));
  }
  return rows;
}

/** Reads a body that is one value. */
export const readValue = (body: Uint8Array, type: string): string => createReader(body).value(type);
