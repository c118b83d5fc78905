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

type Signals = Pick<NodeJS.Process, 'on' | 'off' | 'rawListeners'>;

/** Takes the signals of a process until it is released, so that none ends it while a value lies there in clear. */
export type SignalGuard = {
  /** Calls back once, also when the signal has come already. */
  onEnd(work: (signal: NodeJS.Signals) => void): void;
  release(): void;
};

export function guardSignals(signals: Signals): SignalGuard {
  let given: NodeJS.Signals | null = null;
  let callback: ((signal: NodeJS.Signals) => void) | null = null;
  const end = (signal: NodeJS.Signals): void => {
    if (given !== null) return;
    given = signal;
    callback?.(signal);
  };
  const pass = (): void => {};
  const others = [...signals.rawListeners('SIGINT')] as (() => void)[];
  for (const name of ending) signals.on(name, end);
  signals.on('SIGINT', pass);
  for (const other of others) signals.off('SIGINT', other);
  return {
    onEnd(work) {
      callback = work;
      if (given !== null) work(given);
    },
    release() {
      for (const other of others) signals.on('SIGINT', other);
      signals.off('SIGINT', pass);
      for (const name of ending) signals.off(name, end);
    },
  };
}

/** The words of `$VISUAL` or `$EDITOR`: quotes hold a word together, and no shell sees them. */
export function editorWords(env: Readonly<Record<string, string | undefined>>): string[] {
  const line = [env.VISUAL, env.EDITOR].find((given) => given !== undefined && given.trim() !== '') ?? 'vi';
  return [...line.matchAll(/(?:"([^"]*)"|'([^']*)'|[^\s"']+)+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, (_, double?: string, single?: string) => double ?? single ?? ''),
  );
}

/** Runs an editor on a file and waits for its end, on the terminal of this process. */
export function runEditor(words: readonly string[], file: string, guard: SignalGuard): Promise<Edited> {
  const [program = 'vi', ...more] = words;
  return new Promise((resolve) => {
    let given: NodeJS.Signals | null = null;
    const editor = spawn(program, [...more, file], { stdio: 'inherit' });
    editor.once('error', (error) =>
      resolve({ ok: false, reason: 'editor_missing', detail: `${program} cannot be run: ${error.message}` }),
    );
    editor.once('exit', (code, signal) => {
      if (given !== null) resolve({ ok: false, reason: 'given_up', detail: `ended by ${given}` });
      else if (code === 0) resolve({ ok: true });
      else resolve({ ok: false, reason: 'editor_failed', detail: `${program} ended with ${signal ?? code}` });
    });
    guard.onEnd((signal) => {
      given = signal;
      editor.kill('SIGTERM');
      setTimeout(() => editor.kill('SIGKILL'), graceMs).unref();
    });
  });
}
