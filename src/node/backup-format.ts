import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import * as v from 'valibot';
import { type Digest, digestSchema, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { countSchema, homeIdSchema, timeSchema } from '../../schema/wire/ids.ts';

/**
 * A backup is a ustar archive of three files in this order: what it is, the database, and the SHA-256 of both, so
 * that `tar` and `sha256sum -c SHA256SUMS` read it without this program. Every byte of it is determined by the first
 * two files: whatever differs is refused.
 */
const names = { manifest: 'manifest.json', database: 'writ.db', sums: 'SHA256SUMS' } as const;

const manifestSchema = v.strictObject({
  format: v.literal(1),
  /** Null where nobody had claimed the instance yet. */
  home: v.nullable(homeIdSchema),
  taken_at: timeSchema,
  /** Of the program that made it. */
  version: v.pipe(v.string(), v.maxLength(40)),
  schema_version: countSchema,
  /** 0 where nobody had claimed it. */
  trust_version: countSchema,
  /** The end of the sealed audit log. */
  audit: v.strictObject({ seq: countSchema, hash: digestSchema }),
  database: v.strictObject({ bytes: countSchema, sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
});
export type BackupManifest = v.InferOutput<typeof manifestSchema>;

export type BackupFault =
  /** It ends early, or a byte of it is not as it was written. */
  | 'backup_damaged'
  /** A newer program made it. */
  | 'backup_newer';

const block = 512;
const maxManifestBytes = 16 * 1024;
/** What eleven octal digits hold. */
const maxDatabaseBytes = 8 ** 11 - 1;
const chunkBytes = 1024 * 1024;
const modeTime = { mode: 0o600, time: 0 };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const manifestText = (manifest: BackupManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;
const sumsText = (manifest: string, database: string): string =>
  `${manifest}  ${names.manifest}\n${database}  ${names.database}\n`;
const padding = (size: number): Uint8Array => new Uint8Array((block - (size % block)) % block);

/** The ustar header (POSIX.1-1988) of a plain file with mode 0600, owner 0 and time 0. */
function header(name: string, size: number): Uint8Array {
  const bytes = new Uint8Array(block);
  const put = (text: string, at: number): void => bytes.set(toBytes(text), at);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  put(name, 0);
  put(octal(modeTime.mode, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(modeTime.time, 11), 136);
  put('        ', 148);
  put('0', 156);
  put('ustar\u000000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)} `, 148);
  return bytes;
}

/** Whether a file begins as a backup does. */
export const looksLikeBackup = (beginning: Uint8Array): boolean =>
  Buffer.from(beginning.subarray(0, 100)).toString('latin1') === names.manifest.padEnd(100, '\0');

/** The size and the SHA-256 of a file. */
export async function measureFile(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'r');
  try {
    for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: chunkBytes })) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The bytes of a backup of the database at a path, whose size and digest the manifest names. */
export async function* backupBytes(
  manifest: BackupManifest,
  databasePath: string,
): AsyncIterable<Uint8Array> {
  const { bytes } = manifest.database;
  if (bytes > maxDatabaseBytes) throw new Error('the database is too large for the format');
  const first = toBytes(manifestText(manifest));
  const sums = toBytes(sumsText(sha256(first), manifest.database.sha256));
  yield header(names.manifest, first.length);
  yield first;
  yield padding(first.length);
  yield header(names.database, bytes);
  const file = await open(databasePath, 'r');
  try {
    yield* file.createReadStream({ autoClose: false, highWaterMark: chunkBytes }) as AsyncIterable<Buffer>;
  } finally {
    await file.close();
  }
  yield padding(bytes);
  yield header(names.sums, sums.length);
  yield sums;
  yield padding(sums.length);
  yield new Uint8Array(2 * block);
}

/** Thrown within this file alone. */
const damage = (words: string): Error => Object.assign(new Error(words), { name: 'BackupDamage' });

/** Takes bytes in given portions from a stream that gives them in its own. */
function createReader(source: AsyncIterable<Uint8Array>) {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  /** At least one byte and at most `most`; null at the end. */
  const some = async (most: number): Promise<Uint8Array | null> => {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done === true) return null;
      rest = next.value;
    }
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const exactly = async (count: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const taken = await some(count - at);
      if (taken === null) throw damage('it ends early');
      bytes.set(taken, at);
      at += taken.length;
    }
    return bytes;
  };
  return {
    some,
    exactly,
    expect: async (expected: Uint8Array, what: string): Promise<void> => {
      if (!Buffer.from(expected).equals(await exactly(expected.length))) {
        throw damage(`${what} is not as it was written`);
      }
    },
    /** Lets go of the source. */
    close: async (): Promise<void> => {
      await chunks.return?.();
    },
  };
}

/**
 * Reads a backup to its end and verifies every byte. The database goes to `into`, a new file of mode 0600, or
 * nowhere; it is synced, and worth nothing unless the result is ok. Rejects with what the system says of files.
 */
export async function readBackup(
  source: AsyncIterable<Uint8Array>,
  into: string | null,
): Promise<Result<BackupManifest, BackupFault>> {
  const reader = createReader(source);
  const file = into === null ? null : await open(into, 'wx', 0o600);
  try {
    return await readParts(reader, file);
  } catch (error) {
    if (error instanceof Error && error.name === 'BackupDamage') {
      return refuse('backup_damaged', error.message);
    }
    throw error;
  } finally {
    await file?.close();
    await reader.close();
  }
}

async function readParts(
  reader: ReturnType<typeof createReader>,
  file: FileHandle | null,
): Promise<Result<BackupManifest, BackupFault>> {
  const head = await reader.exactly(block);
  const size = Number.parseInt(Buffer.from(head.subarray(124, 135)).toString('latin1'), 8);
  const isHeader = size <= maxManifestBytes && Buffer.from(header(names.manifest, size)).equals(head);
  if (!isHeader) throw damage('it does not begin as a backup does');
  const bytes = await reader.exactly(size);
  await reader.expect(padding(size), 'what follows the manifest');
  const manifest = readManifest(bytes);
  if (!manifest.ok) return manifest;

  const { database } = manifest.value;
  await reader.expect(header(names.database, database.bytes), 'the header of the database');
  const hash = createHash('sha256');
  for (let left = database.bytes; left > 0; ) {
    const chunk = await reader.some(Math.min(left, chunkBytes));
    if (chunk === null) throw damage('it ends early');
    hash.update(chunk);
    for (let at = 0; file !== null && at < chunk.length; ) {
      at += (await file.write(chunk, at)).bytesWritten;
    }
    left -= chunk.length;
  }
  await file?.sync();
  if (hash.digest('hex') !== database.sha256) throw damage('the database is not as it was written');
  await reader.expect(padding(database.bytes), 'what follows the database');
  const sums = toBytes(sumsText(sha256(bytes), database.sha256));
  await reader.expect(header(names.sums, sums.length), 'the header of the sums');
  await reader.expect(sums, 'a SHA-256 sum');
  await reader.expect(padding(sums.length), 'what follows the sums');
  await reader.expect(new Uint8Array(2 * block), 'its end');
  if ((await reader.some(1)) !== null) throw damage('something follows its end');
  return manifest;
}

function readManifest(bytes: Uint8Array): Result<BackupManifest, BackupFault> {
  const format = parsePayload(bytes, v.looseObject({ format: countSchema }), maxManifestBytes);
  if (format.ok && format.value.format > 1) {
    return refuse('backup_newer', `it has the format ${format.value.format}, this program knows 1`);
  }
  const manifest = parsePayload(bytes, manifestSchema, maxManifestBytes);
  if (!manifest.ok) return refuse('backup_damaged', `its manifest is malformed: ${manifest.detail}`);
  return ok(manifest.value);
}

/** The manifest of a copy. */
export const manifestOf = (parts: {
  readonly home: string | null;
  readonly takenAt: number;
  readonly version: string;
  readonly schemaVersion: number;
  readonly trustVersion: number;
  readonly audit: { readonly seq: number; readonly hash: Digest };
  readonly database: { readonly bytes: number; readonly sha256: string };
}): BackupManifest => ({
  format: 1,
  home: parts.home,
  taken_at: parts.takenAt,
  version: parts.version,
  schema_version: parts.schemaVersion,
  trust_version: parts.trustVersion,
  audit: { ...parts.audit },
  database: { ...parts.database },
});
