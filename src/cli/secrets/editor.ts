import { spawn } from 'node:child_process';

/** How an editor ended. */
export type Edited =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: 'editor_missing' | 'editor_failed' | 'given_up';
      readonly detail: string;
    };

/** A killed editor has this long to put its terminal in order. */
const graceMs = 2_000;

/** Signals that end the edit. Ctrl-C is the editor's own: it goes to it too, and many mean something else by it. */
const ending = ['SIGTERM', 'SIGHUP'] as const;

/** The words of `$VISUAL` or `$EDITOR`: quotes hold a word together, and no shell sees them. */
export function editorWords(env: Readonly<Record<string, string | undefined>>): string[] {
  const line = [env.VISUAL, env.EDITOR].find((given) => given !== undefined && given.trim() !== '') ?? 'vi';
  return [...line.matchAll(/(?:"([^"]*)"|'([^']*)'|[^\s"']+)+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''),
  );
}

/**
 * Runs an editor on a file and waits for its end, on the terminal of this process.
 *
 * @param signals where this process is told of signals: `process`
 */
export async function runEditor(
  words: readonly string[],
  file: string,
  signals: Pick<NodeJS.Process, 'on' | 'off' | 'rawListeners' | 'removeAllListeners'>,
): Promise<Edited> {
  const [program = 'vi', ...more] = words;
  let given: NodeJS.Signals | null = null;
  const editor = spawn(program, [...more, file], { stdio: 'inherit' });
  const end = (signal: NodeJS.Signals): void => {
    given = signal;
    editor.kill('SIGTERM');
    setTimeout(() => editor.kill('SIGKILL'), graceMs).unref();
  };
  const pass = (): void => {};
  const others = [...signals.rawListeners('SIGINT')] as (() => void)[];
  signals.removeAllListeners('SIGINT');
  signals.on('SIGINT', pass);
  for (const name of ending) signals.on(name, end);
  try {
    return await new Promise<Edited>((resolve) => {
      editor.once('error', (error) =>
        resolve({
          ok: false,
          reason: 'editor_missing',
          detail: `${program} cannot be run: ${error.message}`,
        }),
      );
      editor.once('exit', (code, signal) => {
        if (given !== null) resolve({ ok: false, reason: 'given_up', detail: `ended by ${given}` });
        else if (code === 0) resolve({ ok: true });
        else
          resolve({ ok: false, reason: 'editor_failed', detail: `${program} ended with ${signal ?? code}` });
      });
    });
  } finally {
    for (const name of ending) signals.off(name, end);
    signals.off('SIGINT', pass);
    for (const other of others) signals.on('SIGINT', other);
  }
}
