import type { ReadStream, WriteStream } from 'node:tty';
import { printable } from './text.ts';

export type Tone = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'wait';
/** A piece of a line. Its text is shown without controls, whoever it comes from. */
export type Piece = readonly [text: string, tone: Tone];

/** The whole terminal, for a view that is drawn again and again; what stood there comes back at the end. */
export type Screen = {
  /** Shows these lines, cut to the terminal's size. */
  draw(lines: readonly (readonly Piece[])[]): void;
  /** Called when the terminal has another size. */
  onResize(run: () => void): void;
  /** Called at q, Escape, Ctrl-C and Ctrl-D. */
  onQuit(run: () => void): void;
  close(): void;
};

// ECMA-48 sections 8.3.39 (ED), 8.3.41 (EL), 8.3.117 (SGR); DEC private modes 25 and 1049 of xterm.
const [escapeKey, ctrlC, ctrlD] = ['\u001b', '\u0003', '\u0004'] as const;
const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const sgr: Readonly<Record<Tone, string>> = {
  plain: '',
  bold: '\u001b[1m',
  dim: '\u001b[2m',
  good: '\u001b[32m',
  bad: '\u001b[31m',
  wait: '\u001b[33m',
};

/** Takes over a terminal until it is closed, also when the process ends for another reason. */
export function openScreen(stdin: ReadStream, stdout: WriteStream, colours: boolean): Screen {
  let quit = (): void => {};
  const typed = (chunk: Buffer): void => {
    const text = chunk.toString();
    // Escape alone: arrows and the like begin with it too.
    if (['q', 'Q', escapeKey].includes(text) || text.includes(ctrlC) || text.includes(ctrlD)) quit();
  };
  const restore = (): void => void stdout.write(leave);
  process.once('exit', restore);
  stdout.write(enter);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', typed);
    stdin.resume();
  }
  return {
    draw(lines) {
      // A terminal over a line that knows no sizes says 0.
      const [columns, rows] = [stdout.columns || 80, stdout.rows || 24];
      const shown = lines.slice(0, rows).map((pieces) => {
        let left = columns;
        return pieces
          .map(([text, tone]) => {
            const cut = printable(text).slice(0, left);
            left -= cut.length;
            const style = colours || tone === 'bold' || tone === 'dim' ? sgr[tone] : '';
            return style === '' || cut === '' ? cut : `${style}${cut}\u001b[0m`;
          })
          .join('');
      });
      stdout.write(`\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
    },
    onResize: (run) => void stdout.on('resize', run),
    onQuit: (run) => {
      quit = run;
    },
    close() {
      stdout.removeAllListeners('resize');
      if (stdin.isTTY) {
        stdin.off('data', typed);
        stdin.setRawMode(false);
        stdin.pause();
      }
      process.off('exit', restore);
      restore();
    },
  };
}
