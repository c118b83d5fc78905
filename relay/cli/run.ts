import { formatJsonLine, formatTextLine } from '../log.ts';
import { startRelay } from '../start.ts';
import { startSentences } from './sentences.ts';
import { type ExitCode, type Terminal, tellRefusal } from './terminal.ts';

/** `writ-relay run`: one line an event, until the signal is aborted. */
export async function runCommand(
  args: { readonly stateDir: string; readonly json: boolean },
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { stateDir, json } = args;
  const started = await startRelay({
    stateDir,
    log: (entry) => terminal.out(json ? formatJsonLine(entry) : formatTextLine(entry)),
  });
  if (!started.ok) {
    tellRefusal(terminal, json, started, startSentences[started.reason]);
    return 3;
  }
  if (!stop.aborted) {
    await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
  }
  await started.value.stop();
  return 0;
}
