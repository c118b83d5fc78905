import { ok, type Result, refuse } from '../../../schema/result.ts';
import { maxRepoBytes, maxRepoFileBytes, maxRepoFiles } from '../repo.ts';
import type { Entry } from './found.ts';

const block = 512;

type Header = {
  readonly type: string;
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
};

/** What a record before a header says in its place. */
type Overrides = {
  path?: string;
  linkpath?: string;
  size?: number;
  uid?: number;
  gid?: number;
  sparse?: true;
};

const text = new TextDecoder();

const textAt = (bytes: Uint8Array, from: number, length: number): string => {
  const field = bytes.subarray(from, from + length);
  const end = field.indexOf(0);
  return text.decode(end < 0 ? field : field.subarray(0, end));
};

/** Octal digits, or GNU's base 256 where they do not suffice. NaN where it is neither. */
function numberAt(bytes: Uint8Array, from: number, length: number): number {
  if ((bytes[from]! & 0x80) !== 0) {
    let value = bytes[from]! & 0x7f;
    for (let at = from + 1; at < from + length; at += 1) value = value * 256 + bytes[at]!;
    return value;
  }
  const digits = textAt(bytes, from, length).trim();
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

/** POSIX.1-1988 ustar (IEEE 1003.1), as GNU tar and bsdtar write it too. Null where the checksum does not fit. */
function readHeader(bytes: Uint8Array): Header | null {
  let sum = 0;
  for (let at = 0; at < block; at += 1) sum += at >= 148 && at < 156 ? 0x20 : bytes[at]!;
  if (numberAt(bytes, 148, 8) !== sum) return null;
  const isPosix = textAt(bytes, 257, 6) === 'ustar' && bytes[262] === 0;
  const prefix = isPosix ? textAt(bytes, 345, 155) : '';
  const name = textAt(bytes, 0, 100);
  return {
    type: bytes[156] === 0 ? '0' : String.fromCharCode(bytes[156]!),
    name: prefix === '' ? name : `${prefix}/${name}`,
    link: textAt(bytes, 157, 100),
    mode: numberAt(bytes, 100, 8),
    uid: numberAt(bytes, 108, 8),
    gid: numberAt(bytes, 116, 8),
    size: numberAt(bytes, 124, 12),
  };
}

/** pax records: `27 path=…\n`, each with its own length. */
function readRecords(bytes: Uint8Array, into: Overrides): boolean {
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(text.decode(bytes.subarray(at, space)));
    if (space < 0 || !Number.isSafeInteger(length) || length < 5 || at + length > bytes.length) return false;
    const record = text.decode(bytes.subarray(space + 1, at + length - 1));
    const [key, value] = [record.slice(0, record.indexOf('=')), record.slice(record.indexOf('=') + 1)];
    if (key === 'path' || key === 'linkpath') into[key] = value;
    else if (key === 'size' || key === 'uid' || key === 'gid') into[key] = Number(value);
    else if (key.startsWith('GNU.sparse')) into.sparse = true;
    at += length;
  }
  return true;
}

const kinds: Readonly<Record<string, string>> = {
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  S: 'a sparse file of the archive',
};

/** What an archive of tar holds, with owners and modes as they were; what is no plain file is told. */
export function readArchive(
  bytes: Uint8Array<ArrayBuffer>,
): Result<readonly Entry[], 'archive_invalid' | 'too_many'> {
  const entries = new Map<string, Entry>();
  let total = 0;
  let overrides: Overrides = {};
  const invalid = (at: number) => refuse('archive_invalid', `it is no tar archive from byte ${at} on`);
  for (let at = 0; at + block <= bytes.length; ) {
    const head = bytes.subarray(at, at + block);
    if (head.every((byte) => byte === 0)) return ok([...entries.values()]);
    const header = readHeader(head);
    if (header === null) return invalid(at);
    const size = overrides.size ?? header.size;
    const start = at + block;
    if (!Number.isSafeInteger(size) || size < 0 || start + size > bytes.length) return invalid(at);
    const content = bytes.slice(start, start + size);
    at = start + Math.ceil(size / block) * block;
    const { type } = header;
    if (type === 'x') {
      if (!readRecords(content, overrides)) return invalid(start);
      continue;
    }
    if (type === 'L') overrides.path = textAt(content, 0, size);
    if (type === 'K') overrides.linkpath = textAt(content, 0, size);
    if (type === 'L' || type === 'K' || type === 'g') continue;
    const entry = readEntry(header, overrides, content, entries);
    overrides = {};
    if (entry === null) continue;
    if (entry.kind === 'file') total += entry.bytes.length;
    entries.set(entry.path, entry);
    if (total > maxRepoBytes || entries.size > maxRepoFiles)
      return refuse('too_many', `it holds more than ${maxRepoFiles} files or ${maxRepoBytes} bytes`);
  }
  return invalid(bytes.length);
}

/** Null for the folder that all is in. */
function readEntry(
  { type, name, link, mode, ...owner }: Header,
  overrides: Overrides,
  bytes: Uint8Array<ArrayBuffer>,
  before: ReadonlyMap<string, Entry>,
): Entry | null {
  const path = plainPath(overrides.path ?? name);
  const left = (code: Extract<Entry, { kind: 'left' }>['code'], message: string): Entry => ({
    kind: 'left',
    path,
    code,
    message,
  });
  if (path === '') return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
  if (/[\u0000-\u001f\u007f\ufffd]/.test(path) || path.split('/').includes('..'))
    return left('bad_name', 'its name has control characters, bytes that are not UTF-8, or leads out');
  const attributes = { mode, uid: overrides.uid ?? owner.uid, gid: overrides.gid ?? owner.gid };
  const target = overrides.linkpath ?? link;
  if (type === '5') return { kind: 'folder', path, ...attributes };
  if (type === '2') return left('link', `it is a link to ${target}`);
  if (type === '1') {
    const other = before.get(plainPath(target));
    return other?.kind === 'file' ? { ...other, path, ...attributes } : left('link', `it is ${target} again`);
  }
  if (overrides.sparse || !/^[07]$/.test(type))
    return left('no_file', `it is ${kinds[type] ?? 'neither a file nor a folder'}`);
  if (bytes.length > maxRepoFileBytes) return left('too_large', `it has ${bytes.length} bytes`);
  return { kind: 'file', path, bytes, ...attributes };
}

const plainPath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
