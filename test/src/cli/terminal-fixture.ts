import { webcrypto } from 'node:crypto';
import { toBytes } from '../../../schema/jose/digest.ts';
import { runCli } from '../../../src/cli/cli.ts';

export type Ran = { readonly exit: number; readonly out: string; readonly err: string };

export type Person = {
  /** Answers of a person at the terminal, in order or by the question; absent: nobody is there. */
  readonly answers?: readonly string[] | ((question: string, seen: string) => string | null);
  readonly input?: string | Uint8Array<ArrayBuffer>;
  readonly env?: Readonly<Record<string, string>>;
  readonly homeDirectory?: string;
  /** How wide the terminal is; absent: the output is no terminal. */
  readonly columns?: number;
  /** What this computer takes for the time, in ms; absent: the machine's own. */
  readonly now?: () => number;
  /** Aborted when the person gives up; absent: never. */
  readonly signal?: AbortSignal;
};

/** Runs a command line of `writ` in this process. */
export async function runWrit(words: readonly string[], person: Person = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const given = person.answers ?? [];
  const inOrder = typeof given === 'function' ? [] : [...given];
  const exit = await runCli(
    {
      terminal: {
        out: (text) => {
          out += text;
        },
        err: (text) => {
          err += text;
        },
        watched: false,
        columns: person.columns ?? 0,
        screen: () => null,
        asks: person.answers !== undefined,
        ask: (question) => {
          err += question;
          const answer = typeof given === 'function' ? given(question, err) : (inOrder.shift() ?? null);
          return Promise.resolve(answer);
        },
        input: () => Promise.resolve(String(person.input ?? '')),
        inputBytes: (maxBytes) => {
          const { input = '' } = person;
          const bytes = typeof input === 'string' ? toBytes(input) : input;
          return Promise.resolve(bytes.length > maxBytes ? null : bytes);
        },
      },
      now: person.now ?? Date.now,
      random: (bytes) => webcrypto.getRandomValues(new Uint8Array(bytes)),
      env: person.env ?? {},
      homeDirectory: person.homeDirectory ?? '/nonexistent',
      signal: person.signal ?? new AbortController().signal,
    },
    words,
  );
  return { exit, out, err };
}
