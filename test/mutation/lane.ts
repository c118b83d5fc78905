import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Question } from './messages.ts';

/** Faults after which a worker is replaced: modules once loaded are never given back. */
const maxQuestions = 120;

/** How long a worker may take until it runs something. */
const startMs = 60_000;

/** A worker process that answers one question at a time, replaced when it must be. */
export type Lane = {
  /** Null when nothing was heard for longer than the worker said, or its process ended. Never rejects. */
  ask(question: Question): Promise<Exclude<Answer, { kind: 'running' }> | null>;
  close(): void;
};

export function createLane(): Lane {
  let child: ChildProcess | null = null;
  let asked = 0;
  const end = (): void => {
    child?.kill('SIGKILL');
    child = null;
  };
  const start = (): ChildProcess => {
    asked = 0;
    return fork(join(import.meta.dirname, 'worker.ts'), {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
  };
  return {
    ask(question) {
      if (asked >= maxQuestions) end();
      child ??= start();
      asked += 1;
      const worker = child;
      return new Promise((resolve) => {
        const settle = (answer: Exclude<Answer, { kind: 'running' }> | null): void => {
          clearTimeout(timer);
          worker.removeAllListeners();
          if (answer === null) end();
          resolve(answer);
        };
        let timer = setTimeout(() => settle(null), startMs);
        worker.on('message', (message) => {
          const answer = message as Answer;
          if (answer.kind !== 'running') return settle(answer);
          clearTimeout(timer);
          timer = setTimeout(() => settle(null), answer.limitMs);
        });
        worker.on('exit', () => settle(null));
        worker.on('error', () => settle(null));
        worker.send(question);
      });
    },
    close: end,
  };
}
