import type { Command, Options } from './command.ts';
import { commonOptions } from './parse.ts';

/** Text as roff takes it: no escapes, no line that begins as a request (groff_man(7)). */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');

const optionLines = (options: Options): string[] =>
  Object.entries(options).flatMap(([name, option]) => [
    '.TP',
    option.type === 'flag' ? `.B ${roff(`--${name}`)}` : `.BI ${roff(`--${name}`)} " ${roff(option.value)}"`,
    roff(`${option.about}${option.type === 'list' ? ' (may be repeated)' : ''}`),
  ]);

const commandLines = ({ name, usage, summary, more, options, examples }: Command): string[] => [
  `.SS ${roff(`writ ${name} ${usage}`.trim())}`,
  roff(`${summary}.`),
  ...(more ?? []).flatMap((paragraph) => ['.PP', roff(paragraph)]),
  ...optionLines(options),
  ...examples.flatMap(({ line, about }) => ['.PP', '.EX', roff(line), '.EE', roff(about)]),
];

/**
 * The manual page of all commands, as roff (man(7)).
 *
 * @param exitCodes each code with what it means
 */
export function manPage(
  commands: readonly Command[],
  meta: { readonly version: string; readonly exitCodes: readonly (readonly [number, string])[] },
): string {
  return `${[
    `.TH WRIT 1 "" "writ ${roff(meta.version)}" "Writ"`,
    '.SH NAME',
    'writ \\- orders for a homelab, signed by its owner',
    '.SH SYNOPSIS',
    '.B writ',
    '.I COMMAND',
    '[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]',
    '.SH DESCRIPTION',
    roff(
      'writ keeps the owner’s keys, asks the control plane for plans, checks and signs them, and verifies what the relays say came of them. writ serve is the control plane itself.',
    ),
    '.SH OPTIONS OF EVERY COMMAND',
    ...optionLines(commonOptions),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...meta.exitCodes.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(meaning)]),
    '.SH FILES',
    '.TP',
    '.I ~/.config/writ',
    'the keys and the trust document of the owner',
  ].join('\n')}\n`;
}
