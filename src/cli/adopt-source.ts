import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { readArchive } from '../config/adopt/archive.ts';
import type { Entry, Source } from '../config/adopt/found.ts';
import { byText, maxRepoBytes, maxRepoFileBytes, maxRepoFiles } from '../config/repo.ts';
import { exits, type Failure, fail } from './outcome.ts';

const maxArchiveBytes = 256 * 1024 * 1024;

const refused = (reason: string, detail: string): Failure =>
  fail(exits.usage, reason, `${detail} Nothing was written.`);

/**
 * Reads a folder, or an archive of tar, as a machine's files lie in it. Links are not followed; what cannot be read is
 * told in its place. An archive tells owners; a folder does where `owners` says that they are the machine's.
 */
export function readSource(path: string, owners: boolean): { ok: true; value: Source } | Failure {
  const name = basename(resolve(path));
  try {
    if (statSync(path).isDirectory()) {
      const entries = readFolder(path, owners);
      if (entries !== null) return { ok: true, value: { name, entries } };
      const limits = `${maxRepoFiles} files or ${maxRepoBytes} bytes`;
      return refused('too_many', `${path} holds more than ${limits}. Give a folder of it.`);
    }
    if (statSync(path).size > maxArchiveBytes)
      return refused('too_many', `${path} has more than ${maxArchiveBytes} bytes. Give less of the machine.`);
    const read = readArchive(unpacked(readFileSync(path)));
    if (read.ok)
      return { ok: true, value: { name: name.replace(/\.(tar|tgz|tar\.gz)$/, ''), entries: read.value } };
    return refused(
      read.reason,
      `${path} cannot be read: ${read.detail}. It must be a folder, a .tar or a .tar.gz.`,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    if (code === 'ERR_BUFFER_TOO_LARGE' || code.startsWith('Z_'))
      return refused('archive_invalid', `${path} cannot be unpacked (${code}).`);
    const why = code === 'ENOENT' ? 'There is nothing at' : `The system refuses (${code}) to read`;
    return refused('source_unreadable', `${why} ${path}.`);
  }
}

const unpacked = (bytes: Buffer): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: maxArchiveBytes }) : bytes,
  );

const tools = new Set(['.git', 'node_modules']);

/** Beside etc: what reads like a file there may wait for ever, or have no end. */
const ofKernel = /^(proc|sys|dev|run|tmp)$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
const badName = /[\u0000-\u001f\u007f\ufffd]/;

/** Null where there is too much. */
function readFolder(root: string, owners: boolean): Entry[] | null {
  const entries: Entry[] = [];
  let total = 0;
  const attributes = ({ mode, uid, gid }: Stats) => ({ mode: mode & 0o7777, ...(owners && { uid, gid }) });
  const read = (path: string): Entry | null => {
    const left = (code: Extract<Entry, { kind: 'left' }>['code'], message: string): Entry => ({
      kind: 'left',
      path,
      code,
      message,
    });
    const name = basename(path);
    if (badName.test(name)) return left('bad_name', 'its name has control characters, or is not UTF-8');
    try {
      const stat = lstatSync(join(root, path));
      if (stat.isSymbolicLink()) return left('link', `it is a link to ${readlinkSync(join(root, path))}`);
      if (stat.isDirectory()) {
        if (name === '.git') return null;
        if (tools.has(name)) return left('tool_folder', 'a folder of this name is not read');
        const names = readdirSync(join(root, path));
        return walk(path, names) ? { kind: 'folder', path, ...attributes(stat) } : null;
      }
      if (!stat.isFile()) return left('no_file', 'it is neither a file nor a folder');
      if (stat.size > maxRepoFileBytes) return left('too_large', `it has ${stat.size} bytes`);
      const bytes = new Uint8Array(readFileSync(join(root, path)));
      total += bytes.length;
      return { kind: 'file', path, bytes, ...attributes(stat) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return left('unreadable', `it cannot be read (${code})`);
    }
  };
  const walk = (folder: string, names: readonly string[]): boolean =>
    [...names].sort(byText).every((name) => {
      const path = folder === '' ? name : `${folder}/${name}`;
      const entry =
        ofKernel.test(path) && names.includes('etc')
          ? ({
              kind: 'left',
              path,
              code: 'state',
              message: 'a folder of the running system is not read',
            } as const)
          : read(path);
      if (entry !== null) entries.push(entry);
      return total <= maxRepoBytes && entries.length <= maxRepoFiles;
    });
  return walk('', readdirSync(root)) ? entries : null;
}
