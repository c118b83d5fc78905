import type { TestEvent } from 'node:test/reporters';

/** Looks after a stage: see `watchStage`. */
export type StageWatch = {
  /** To be told each event of the stage. */
  saw(event: TestEvent): void;
  /** The files that were at work when the stage was given up; empty when it was not. */
  hung(): readonly string[];
  stop(): void;
};

/**
 * Gives a stage up when nothing is heard of it for too long: a test that overruns its own time limit is told,
 * but a process that never ends (an open socket, an endless loop) would hold the run for ever.
 */
export function watchStage(silenceMs: number, giveUp: () => void): StageWatch {
  const atWork = new Set<string>();
  let hung: readonly string[] = [];
  const onSilence = (): void => {
    hung = [...atWork];
    giveUp();
  };
  let timer = setTimeout(onSilence, silenceMs);
  return {
    saw(event) {
      clearTimeout(timer);
      timer = setTimeout(onSilence, silenceMs);
      const { name, file } = event.data as { name?: string; file?: string };
      if (name === undefined || name !== file) return;
      if (event.type === 'test:dequeue') atWork.add(name);
      if (event.type === 'test:complete') atWork.delete(name);
    },
    hung: () => hung,
    stop: () => clearTimeout(timer),
  };
}
