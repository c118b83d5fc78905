import { Session } from 'node:inspector';

/** Tells which code runs. */
export type CoverageMeter = {
  /** Gives what ran since the last call, as a question about an offset in a module, by the module's address. */
  take(): (url: string, offset: number) => boolean;
  stop(): void;
};

type Range = { readonly startOffset: number; readonly endOffset: number; readonly count: number };
type Taken = {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly Range[] }[];
  }[];
};

export function startCoverage(): CoverageMeter {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    take() {
      const modules = new Map<string, Range[]>();
      // In-process sessions answer before `post` returns.
      session.post('Profiler.takePreciseCoverage', (error: Error | null, taken: Taken) => {
        if (error !== null) throw error;
        for (const { url, functions } of taken.result) {
          const ranges = functions.flatMap((found) => found.ranges);
          modules.set(url, [...(modules.get(url) ?? []), ...ranges]);
        }
      });
      return (url, offset) => (innermost(modules.get(url) ?? [], offset)?.count ?? 0) > 0;
    },
    stop: () => session.disconnect(),
  };
}

/** Ranges are nested: the smallest around an offset has its count. */
function innermost(ranges: readonly Range[], offset: number): Range | null {
  let found: Range | null = null;
  for (const range of ranges) {
    if (range.startOffset > offset || range.endOffset <= offset) continue;
    const isSmaller =
      found === null || range.endOffset - range.startOffset <= found.endOffset - found.startOffset;
    if (isSmaller) found = range;
  }
  return found;
}
