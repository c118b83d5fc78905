import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importClosure } from './closure.ts';

/** What is remembered of a mutant: the test that noticed it, or null when all that reach it passed. */
export type Verdict = { readonly by: string | null; readonly file: string | null };

/** Verdicts of earlier runs, found again as long as nothing that they rest on has changed. */
export type Cache = {
  find(key: string): Verdict | undefined;
  put(key: string, verdict: Verdict): void;
  save(): void;
};

/** Opens the file; one that is absent or unreadable is an empty cache. */
export function openCache(file: string): Cache {
  const known = new Map<string, Verdict>(existsSync(file) ? readEntries(file) : []);
  return {
    find: (key) => known.get(key),
    put: (key, verdict) => {
      known.set(key, verdict);
    },
    save() {
      mkdirSync(dirname(file), { recursive: true });
      const next = `${file}.${process.pid}`;
      writeFileSync(next, JSON.stringify([...known]));
      renameSync(next, file);
    },
  };
}

function readEntries(file: string): [string, Verdict][] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as [string, Verdict][];
  } catch {
    return [];
  }
}

export const hashOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex');

/** The hash of all that a test runs, but for one file: what a verdict on that file's mutants rests on. */
export function createTestHash(root: string): (testFile: string, without: string) => string {
  const contents = new Map<string, string>();
  const closures = new Map<string, readonly string[]>();
  const read = (path: string): string => {
    const known = contents.get(path) ?? hashOf(readFileSync(join(root, path), 'utf8'));
    contents.set(path, known);
    return known;
  };
  return (testFile, without) => {
    const closure = closures.get(testFile) ?? importClosure(root, [testFile]);
    closures.set(testFile, closure);
    return hashOf(...closure.filter((path) => path !== without).map((path) => `${path} ${read(path)}`));
  };
}
