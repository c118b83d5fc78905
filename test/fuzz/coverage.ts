import { Session } from 'node:inspector';

/** Tells which parts of the project's own code ran since it was asked last. */
export type Coverage = {
  /** Each as `script:start-end`. */
  take(): string[];
};

type Taken = {
  readonly result: readonly {
    readonly scriptId: string;
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly {
        readonly startOffset: number;
        readonly endOffset: number;
        readonly count: number;
      }[];
    }[];
  }[];
};

const isOwn = (url: string): boolean => url.startsWith('file:') && !/\/(node_modules|test)\//.test(url);

/** V8's precise coverage by blocks (Chrome DevTools Protocol, Profiler), in this thread. */
export function openCoverage(): Coverage {
  const session = new Session();
  session.connect();
  const post = (method: string, params: object = {}): unknown => {
    let answer: unknown;
    // In the same thread, it calls back before it returns.
    (
      session.post as (
        method: string,
        params: object,
        done: (error: Error | null, result: unknown) => void,
      ) => void
    )(method, params, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return {
    take() {
      const { result } = post('Profiler.takePreciseCoverage') as Taken;
      const seen: string[] = [];
      for (const { scriptId, url, functions } of result) {
        if (!isOwn(url)) continue;
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) seen.push(`${scriptId}:${startOffset}-${endOffset}`);
          }
        }
      }
      return seen;
    },
  };
}

/** Looks for the inputs that reached code which none reached before. */
export function createSearch({ take }: Coverage) {
  const reached = new Set<string>();

  /** By halves: those of them that reach any of these blocks. */
  const find = async <T>(
    some: readonly T[],
    wanted: Set<string>,
    read: (some: readonly T[]) => Promise<void>,
  ): Promise<T[]> => {
    if (some.length <= 1) return [...some];
    const half = some.slice(0, Math.ceil(some.length / 2));
    await read(half);
    const seen = take().filter((block) => wanted.has(block));
    const rest = new Set(wanted);
    for (const block of seen) rest.delete(block);
    const first = seen.length > 0 ? await find(half, new Set(seen), read) : [];
    const second = rest.size > 0 ? await find(some.slice(half.length), rest, read) : [];
    return [...first, ...second];
  };

  return {
    reached: (): number => reached.size,
    /** Which of the inputs that were read since the last look reached something new; some are read again for it. */
    async look<T>(some: readonly T[], read: (some: readonly T[]) => Promise<void>): Promise<T[]> {
      const fresh = take().filter((block) => !reached.has(block));
      if (fresh.length === 0) return [];
      for (const block of fresh) reached.add(block);
      const found = await find(some, new Set(fresh), read);
      take();
      return found;
    },
  };
}
