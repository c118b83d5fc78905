import { webcrypto } from 'node:crypto';
import { exits } from '../../src/cli/outcome.ts';
import { type Runner, runnerOf } from './runner.ts';

/** What an action is given. */
export type Job = {
  readonly runner: Runner;
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array<ArrayBuffer>;
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal;
};

/** Runs an action in this process; its exit says whether the step succeeded. */
export async function runMain(now: () => number, action: (job: Job) => Promise<number>): Promise<void> {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  const runner = runnerOf(process.env, (line) => void process.stdout.write(`${line}\n`));
  try {
    process.exitCode = await action({
      runner,
      now,
      random: (bytes) => webcrypto.getRandomValues(new Uint8Array(bytes)),
      signal: abort.signal,
    });
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    runner.annotate('error', `A fault of the action itself: ${text}`, { title: 'Writ' });
    process.exitCode = exits.failed;
  }
}
