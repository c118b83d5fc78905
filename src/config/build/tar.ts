import { toBytes } from '../../../schema/jose/digest.ts';

const block = 512;

/** A ustar archive of plain files in the given order: mode 0644, owner 0, time 0. Names have at most 100 bytes. */
export function makeTar(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const size = files.reduce(
    (sum, { bytes }) => sum + block + Math.ceil(bytes.length / block) * block,
    2 * block,
  );
  const tar = new Uint8Array(size);
  let at = 0;
  for (const { name, bytes } of files) {
    tar.set(header(name, bytes.length), at);
    tar.set(bytes, at + block);
    at += block + Math.ceil(bytes.length / block) * block;
  }
  return tar;
}

function header(name: string, size: number): Uint8Array {
  const bytes = new Uint8Array(block);
  const put = (text: string, at: number): void => bytes.set(toBytes(text), at);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  if (toBytes(name).length > 100) throw new Error(`${name} is too long for the archive`);
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(0, 11), 136);
  put('        ', 148);
  put('0', 156);
  put('ustar\u000000', 257);
  put(
    octal(
      bytes.reduce((sum, byte) => sum + byte, 0),
      6,
    ),
    148,
  );
  bytes[155] = 0x20;
  return bytes;
}

/** The files of such an archive, or null when it is not one that `makeTar` makes. */
export function readTar(tar: Uint8Array<ArrayBuffer>): Map<string, Uint8Array<ArrayBuffer>> | null {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const text = new TextDecoder();
  let at = 0;
  while (at + block <= tar.length) {
    if (tar.subarray(at, at + 2 * block).every((byte) => byte === 0))
      return at + 2 * block === tar.length ? files : null;
    const name = text.decode(tar.subarray(at, at + 100)).replace(/\0+$/, '');
    const size = Number.parseInt(text.decode(tar.subarray(at + 124, at + 135)), 8);
    const end = at + block + Math.ceil(size / block) * block;
    if (!Number.isSafeInteger(size) || size < 0 || end > tar.length || files.has(name)) return null;
    // Bytes that are not UTF-8 are read as longer ones.
    if (toBytes(name).length > 100) return null;
    const expected = header(name, size);
    if (expected.some((byte, index) => byte !== tar[at + index])) return null;
    if (tar.subarray(at + block + size, end).some((byte) => byte !== 0)) return null;
    files.set(name, tar.slice(at + block, at + block + size));
    at = end;
  }
  return null;
}
