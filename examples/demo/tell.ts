import type { WriteStream } from 'node:tty';
import type { Teller } from './story.ts';

type Output = { write(text: string): boolean; readonly isTTY?: boolean };

/** Tells the story as it goes on; with `quiet` only what went wrong. */
export function createTeller(output: Output, quiet: boolean): Teller {
  const colours = output.isTTY === true && (process.env.NO_COLOR ?? '') === '';
  const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    part(title) {
      if (!quiet) output.write(`\n${paint(1, title)}\n`);
    },
    hop({ hop, ms }) {
      if (!quiet) output.write(`  ${`${ms} ms`.padStart(9)}  ${hop.replaceAll('_', ' ')}\n`);
    },
    check({ what, ok, saw }) {
      if (ok && quiet) return;
      const mark = ok ? paint(32, 'ok') : paint(31, 'NOT');
      output.write(`  ${' '.repeat(9)}  ${mark} ${what}${saw === undefined ? '' : ` (saw: ${saw})`}\n`);
    },
  };
}

/** One line that is replaced as things go on; on a pipe each is a line of its own. */
export function progressLine(output: WriteStream): { say(text: string): void; end(): void } {
  const watched = output.isTTY === true;
  let shown = false;
  return {
    say(text) {
      output.write(watched ? `\r\u001b[K${text} …` : `${text} …\n`);
      shown = true;
    },
    end() {
      if (watched && shown) output.write('\r\u001b[K');
      shown = false;
    },
  };
}
