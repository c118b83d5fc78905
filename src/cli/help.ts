import type { Command, Options } from './command.ts';
import { exits } from './outcome.ts';
import { commonOptions, usageLine } from './parse.ts';

/** What `writ` exits with, and what each code means. */
export const exitCodes: readonly (readonly [number, string])[] = [
  [exits.ok, 'it is done'],
  [exits.failed, 'it was tried and failed'],
  [exits.usage, 'the command line or a file is not as it must be; nothing was tried'],
  [exits.refused, 'refused: by the API, by a relay, or by a check of this program'],
  [exits.unreachable, 'the control plane cannot be reached, or is not the one that was pinned'],
  [exits.unconfirmed, 'not confirmed: under way, and its end cannot be known yet'],
];

/** What `writ COMMAND --help` prints. */
export function helpOf(command: Command): string {
  const lines = [`${command.summary}.`, '', `  ${usageLine(command)}`];
  for (const paragraph of command.more ?? []) lines.push('', ...wrap(paragraph, 96));
  lines.push('', 'Options', ...optionLines({ ...command.options, ...commonOptions }));
  lines.push('', 'Examples');
  for (const { line, about } of command.examples) lines.push(`  ${line}`, `      ${about}`);
  return `${lines.join('\n')}\n`;
}

/** What `writ` and `writ --help` print. */
export function helpOfAll(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, usage }) => `${name} ${usage}`.length));
  return `${[
    'writ: orders for a homelab, signed by its owner.',
    '',
    'Commands',
    ...commands.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.trim().padEnd(width)}  ${summary}`),
    '',
    'Options of every command',
    ...optionLines(commonOptions),
    '',
    'Exit codes',
    ...exitCodes.map(([code, meaning]) => `  ${code}  ${meaning}`),
    '',
    'writ COMMAND --help tells more, with examples; writ --version tells the version.',
  ].join('\n')}\n`;
}

function optionLines(options: Options): string[] {
  const heads = Object.entries(options).map(([name, option]) => ({
    head: `${'short' in option && option.short !== undefined ? `-${option.short}, ` : ''}--${name}${option.type === 'flag' ? '' : ` ${option.value}`}${option.type === 'list' ? '…' : ''}`,
    about: option.about,
  }));
  const width = Math.max(...heads.map(({ head }) => head.length));
  return heads.map(({ head, about }) => `  ${head.padEnd(width)}  ${about}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
