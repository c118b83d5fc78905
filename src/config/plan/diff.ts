import { FILE_HEADERS_ONLY, formatPatch, structuredPatch } from 'diff';
import { textOrNull } from '../read/text.ts';

/** Beyond so many changed lines a diff helps nobody, and takes long to find: the whole text is told as replaced. */
const maxEdits = 2_000;

/**
 * A unified diff of two files, in the form that `patch` takes; null where either is no text. `undefined` stands for
 * a file that is not there.
 */
export function diffBlobs(
  path: string,
  before: Uint8Array<ArrayBuffer> | undefined,
  after: Uint8Array<ArrayBuffer> | undefined,
): string | null {
  const [old, now] = [before, after].map((bytes) => (bytes === undefined ? '' : textOrNull(bytes)));
  if (old === null || old === undefined || now === null || now === undefined) return null;
  const below = path.startsWith('/') ? path : `/${path}`;
  const names = [
    before === undefined ? '/dev/null' : `a${below}`,
    after === undefined ? '/dev/null' : `b${below}`,
  ] as const;
  const found = structuredPatch(...names, old, now, undefined, undefined, {
    context: 3,
    maxEditLength: maxEdits,
  });
  return formatPatch(found ?? replaced(names, old, now), FILE_HEADERS_ONLY);
}

/** Every old line away and every new one there, as one hunk. */
function replaced(names: readonly [string, string], old: string, now: string) {
  const lines = (text: string, sign: string): string[] => {
    const ended = text.endsWith('\n');
    const all = (ended ? text.slice(0, -1) : text).split('\n').map((line) => `${sign}${line}`);
    return ended ? all : [...all, '\\ No newline at end of file'];
  };
  const [removed, added] = [lines(old, '-'), lines(now, '+')];
  const count = (all: readonly string[]): number => all.filter((line) => !line.startsWith('\\')).length;
  const hunk = {
    oldStart: 1,
    oldLines: count(removed),
    newStart: 1,
    newLines: count(added),
    lines: [...removed, ...added],
  };
  return {
    oldFileName: names[0],
    newFileName: names[1],
    oldHeader: undefined,
    newHeader: undefined,
    hunks: [hunk],
  };
}
