import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Answer, Question } from './messages.ts';

/** Faults after which a worker is replaced: modules once loaded are never given back. */
const maxQuestions = 120;

/** A worker process that answers one question at a time, replaced when it must be. */
export type Lane = {
  /** Null when it took longer than told, or its process ended. Never rejects. */
  ask(question: Question, timeoutMs: number): Promise<Answer | null>;
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
    ask(question, timeoutMs) {
      if (asked >= maxQuestions) end();
      child ??= start();
      asked += 1;
      const worker = child;
      return new Promise((resolve) => {
        const settle = (answer: Answer | null): void => {
          clearTimeout(timer);
          worker.removeAllListeners();
          if (answer === null) end();
          resolve(answer);
        };
        const timer = setTimeout(() => settle(null), timeoutMs);
        worker.on('message', (answer) => settle(answer as Answer));
        worker.on('exit', () => settle(null));
        worker.on('error', () => settle(null));
        worker.send(question);
      });
    },
    close: end,
  };
}
