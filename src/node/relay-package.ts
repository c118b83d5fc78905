import { readFile, stat } from 'node:fs/promises';

/** Far above what a relay weighs: anything larger is something else. */
const maxBytes = 16 * 1024 * 1024;

/** Reads the relay's package when it is first asked for, and keeps it. Null when there is none. */
export function relayPackageOf(file: string): () => Promise<Uint8Array<ArrayBuffer> | null> {
  let kept: Promise<Uint8Array<ArrayBuffer> | null> | undefined;
  return () => {
    kept ??= read(file);
    return kept;
  };
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return (await stat(file)).size > maxBytes ? null : new Uint8Array(await readFile(file));
  } catch {
    return null;
  }
}
