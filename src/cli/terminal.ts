import type { ReadStream, WriteStream } from 'node:tty';
import { openScreen, type Screen } from './screen.ts';
import { printable } from './text.ts';

/** Where a command writes and whom it asks. */
export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person watches standard error. */
  readonly watched: boolean;
  /** How wide the output is; 0 where it is no terminal. */
  readonly columns: number;
  /** Takes the whole terminal over; null where the output is none. */
  screen(): Screen | null;
  /** Whether a person can be asked. */
  readonly asks: boolean;
  /** Asks for a line; `hidden` shows nothing of it. Null when the input ends. */
  ask(question: string, options?: Asking): Promise<string | null>;
  /** All of standard input, for arguments given as `-`; at most 64 KiB. */
  input(): Promise<string>;
  /** All of standard input as it is, or null when there are more bytes than that. */
  inputBytes(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | null>;
};

export type Asking = {
  readonly hidden?: boolean;
  /** What is typed beyond so many characters is not taken; 1024 unless said. */
  readonly maxLength?: number;
  /** Lines that were pasted behind the first are given too, with what parts them. */
  readonly several?: boolean;
};

const maxInputBytes = 64 * 1024;
const maxLineLength = 1024;

/** The terminal of this process. */
export function processTerminal(process: NodeJS.Process): Terminal {
  const stdin = process.stdin as ReadStream;
  const stderr = process.stderr as WriteStream;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void stderr.write(text),
    watched: stderr.isTTY === true,
    columns: process.stdout.isTTY === true ? process.stdout.columns : 0,
    screen: () =>
      process.stdout.isTTY === true
        ? openScreen(stdin, process.stdout as WriteStream, (process.env.NO_COLOR ?? '') === '')
        : null,
    asks: stdin.isTTY === true && stderr.isTTY === true,
    ask: (question, options) => askLine(stdin, stderr, question, options ?? {}),
    async input() {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stdin) {
        size += (chunk as Buffer).length;
        if (size > maxInputBytes) break;
        chunks.push(chunk as Buffer);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    async inputBytes(maxBytes) {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of stdin) {
        size += (chunk as Buffer).length;
        if (size > maxBytes) return null;
        chunks.push(chunk as Buffer);
      }
      return new Uint8Array(Buffer.concat(chunks));
    },
  };
}

/** Reads one line in raw mode, so that nothing of a hidden one reaches the screen or its scroll-back. */
function askLine(
  stdin: ReadStream,
  stderr: WriteStream,
  question: string,
  { hidden = false, maxLength = maxLineLength, several = false }: Asking,
): Promise<string | null> {
  return new Promise((resolve) => {
    let line = '';
    const finish = (answer: string | null): void => {
      stdin.off('data', read);
      stdin.off('end', ended);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(answer);
    };
    const ended = (): void => finish(null);
    const read = (chunk: string) => {
      for (const [index, char] of [...chunk].entries()) {
        if (char === '\r' || char === '\n') {
          const rest = [...chunk].slice(index).join('');
          return finish(several && rest.trim() !== '' ? line + rest : line);
        }
        // Ctrl-C and Ctrl-D: raw mode turns them into plain characters.
        if (char === '\u0003' || char === '\u0004') return finish(null);
        if (char === '\u007f' || char === '\b') {
          if (line !== '' && !hidden) stderr.write('\b \b');
          line = [...line].slice(0, -1).join('');
        } else if ((char >= ' ' || (hidden && char === '\t')) && line.length < maxLength) {
          line += char;
          if (!hidden) stderr.write(char);
        }
      }
    };
    stdin.setEncoding('utf8');
    stdin.setRawMode(true);
    stdin.on('data', read);
    stdin.on('end', ended);
    stdin.resume();
    // Not before raw mode: a quick answer would be echoed by the terminal itself.
    stderr.write(question);
  });
}

/** Tells what takes long, on standard error, to a person who watches. */
export type Progress = {
  /** What is being waited for now; shown once it takes more than two seconds. */
  say(text: string): void;
  /** A line that stays. */
  note(text: string): void;
  /** Takes the line away. */
  end(): void;
};

const showAfterMs = 2_000;

/** Shows nothing at all where nobody watches. */
export function createProgress(terminal: Terminal, now: () => number): Progress {
  let text = '';
  let since = 0;
  let timer: NodeJS.Timeout | undefined;
  let shown = false;
  const clear = (): void => {
    if (shown) terminal.err('\r\u001b[K');
    shown = false;
  };
  const show = (): void => {
    const seconds = Math.floor((now() - since) / 1000);
    if (now() - since < showAfterMs) return;
    terminal.err(`\r\u001b[K${text} ${seconds} s`);
    shown = true;
  };
  return {
    say(next) {
      if (!terminal.watched) return;
      if (text === '') since = now();
      text = printable(next);
      timer ??= setInterval(show, 250);
      timer.unref();
    },
    note(line) {
      if (!terminal.watched) return;
      clear();
      terminal.err(`${printable(line)}\n`);
    },
    end() {
      clear();
      clearInterval(timer);
      timer = undefined;
      text = '';
    },
  };
}
