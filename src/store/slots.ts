import { storeError, type Timers } from './port.ts';

/** Lets so many in at once, the rest in turn. */
export type Slots = {
  /** Resolves, once there is room, with what gives the place back. Rejects with `busy` after `timeoutMs`. */
  enter(timeoutMs: number): Promise<() => void>;
};

/** How many may wait before one more is refused at once. */
const maxWaiting = 1_000;

export function slots(max: number, timers: Timers): Slots {
  let taken = 0;
  const waiting = new Set<() => void>();

  const take = (): (() => void) => {
    let left = false;
    taken += 1;
    return () => {
      if (left) return;
      left = true;
      taken -= 1;
      const [next] = waiting;
      next?.();
    };
  };

  return {
    enter: (timeoutMs) => {
      if (taken < max) return Promise.resolve(take());
      if (waiting.size >= maxWaiting)
        return Promise.reject(storeError('busy', 'too many writes are waiting'));
      return new Promise((resolve, reject) => {
        const go = (): void => {
          waiting.delete(go);
          cancel();
          resolve(take());
        };
        const cancel = timers.after(timeoutMs, () => {
          waiting.delete(go);
          reject(storeError('busy', `no turn to write in ${timeoutMs} ms`));
        });
        waiting.add(go);
      });
    },
  };
}
