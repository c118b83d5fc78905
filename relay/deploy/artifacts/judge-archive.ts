import { ok, type Result, refuse } from '../../../schema/result.ts';
import { isMachinePath } from '../../machine/machine.ts';
import { maxArchiveFiles } from './archive-list.ts';
import { fetchFolder, maxFetchedBytes } from './fetch-artifact.ts';

/** Where archives are unpacked. */
export const unpackFolder = `${fetchFolder}/unpacked`;
/** All files of one archive together. */
const maxUnpackedBytes = 256 * 1024 * 1024;

type Unfit = Result<true, 'artifact_unfit'>;
const unfit = (why: string) => refuse('artifact_unfit', why);

/** Kinds as tar(1) tells them, of what no release brings. */
const kinds: Readonly<Record<string, string>> = {
  l: 'a symbolic link',
  b: 'a device',
  c: 'a device',
  p: 'a pipe',
  s: 'a socket',
};

/**
 * A line of `tar --list --verbose --numeric-owner`: kind, mode, owner, size, date, time, and the name, in which a line break is `\n`.
 * A time of no calendar is a number alone: what follows it is the name, and must not be taken for the hour.
 */
const line = /^(.)\S{9,10} +\S+ +([0-9,]+) +\d{4,}-\d\d-\d\d \d\d:\d\d (.*)$/;

/**
 * Judges an archive by what tar says is in it, before anything of it is written: how much it would be, and whether all of it
 * is what a release may bring.
 */
export function judgeListing(text: string): Unfit {
  const lines = text.split('\n').filter((one) => one !== '');
  let files = 0;
  let bytes = 0;
  for (const one of lines) {
    const [, kind, size, name] = line.exec(one) ?? [];
    if (kind === undefined || size === undefined || name === undefined)
      return unfit('tar lists it otherwise than it does');
    // With folders left away (strip), tar takes what stands behind a doubled slash for a path of the machine.
    if (name.startsWith('/') || name.includes('//') || name.split(/\/| -> | link to /).includes('..')) {
      return unfit(`it would write outside of its folder: ${name.slice(0, 200)}`);
    }
    if (kind === 'd') continue;
    if (kind !== '-' && kind !== 'h')
      return unfit(`it holds ${kinds[kind] ?? 'what is no file'}: ${name.slice(0, 200)}`);
    files += 1;
    bytes += Number(size);
    if (!(Number(size) <= maxFetchedBytes))
      return unfit(`it holds a file that is too large: ${name.slice(0, 200)}`);
  }
  // Folders that nothing is in are made all the same, and go again.
  if (files > maxArchiveFiles || lines.length > 2 * maxArchiveFiles)
    return unfit(`it holds more than ${maxArchiveFiles} files`);
  return bytes > maxUnpackedBytes ? unfit('what it holds is too large') : ok(true);
}

/** A file that was unpacked. */
export type Unpacked = { readonly path: string; readonly mode: '0644' | '0755'; readonly size: number };

/** What `find` prints of each thing below a folder: kind, mode, size, links, inode, and the path, ended by NUL. */
export const findFormat = '%y\\t%m\\t%s\\t%n\\t%i\\t%P\\0';

/** Judges what was unpacked, by what is there now. A link to a file of the same archive is the file once more. */
export function judgeUnpacked(printed: Uint8Array): Result<Unpacked[], 'artifact_unfit'> {
  const text = decode(printed);
  if (text === null) return unfit('it holds a name that is no text');
  const files: Unpacked[] = [];
  const links = new Map<string, { said: number; found: number; path: string }>();
  for (const row of text.split('\0').filter((one) => one !== '')) {
    const [kind, mode, size, count, inode, ...rest] = row.split('\t');
    const path = rest.join('\t');
    if (kind === 'd') continue;
    if (kind !== 'f') return unfit(`it holds what is no file: ${path.slice(0, 200)}`);
    if (!isMachinePath(`${unpackFolder}/${path}`))
      return unfit(`it holds a name that no release may have: ${JSON.stringify(path).slice(0, 200)}`);
    if (!(Number(size) <= maxFetchedBytes))
      return unfit(`it holds a file that is too large: ${path.slice(0, 200)}`);
    files.push({ path, mode: Number.parseInt(mode!, 8) & 0o100 ? '0755' : '0644', size: Number(size) });
    const known = links.get(inode!) ?? { said: Number(count), found: 0, path };
    links.set(inode!, { ...known, found: known.found + 1 });
  }
  const outside = [...links.values()].find(({ said, found }) => said !== found);
  if (outside !== undefined)
    return unfit(`it links to a file that is not its own: ${outside.path.slice(0, 200)}`);
  if (files.length === 0) return unfit('it holds no file, or strip leaves none of it');
  if (files.length > maxArchiveFiles) return unfit(`it holds more than ${maxArchiveFiles} files`);
  if (files.reduce((sum, { size }) => sum + size, 0) > maxUnpackedBytes)
    return unfit('what it holds is too large');
  return ok(files.sort((a, b) => (a.path < b.path ? -1 : 1)));
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
