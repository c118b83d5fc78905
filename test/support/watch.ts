/** Lets tests wait for what others do, without guessing how long that takes. */
export type Watch = {
  /** Something has changed. */
  notify(): void;
  /** Resolves with what the condition finds, now or after a change; rejects after 30 s. */
  until<T>(what: () => string, condition: () => T | undefined | false | null): Promise<T>;
};

/** Above any honest time, also on a machine that does much else. */
const limitMs = 30_000;
/** For conditions that change without anybody telling. */
const lookEveryMs = 20;

export function createWatch(): Watch {
  const watchers = new Set<() => void>();
  return {
    notify() {
      for (const look of [...watchers]) look();
    },
    until: (what, condition) =>
      new Promise((resolve, reject) => {
        const end = (): void => {
          clearTimeout(timer);
          clearInterval(ticking);
          watchers.delete(look);
        };
        const look = (): void => {
          const found = condition();
          if (found === undefined || found === false || found === null) return;
          end();
          resolve(found);
        };
        const timer = setTimeout(() => {
          end();
          reject(new Error(`not seen within ${limitMs} ms: ${what()}`));
        }, limitMs);
        const ticking = setInterval(look, lookEveryMs);
        watchers.add(look);
        look();
      }),
  };
}
