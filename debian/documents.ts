import { helpText } from '../relay/cli/help.ts';
import { programVersion } from '../schema/version.ts';
import { type Shell, scriptOf } from '../src/cli/completion.ts';

/** The manual page of the relay: its help as it stands (groff_man(7)). */
export function relayManPage(): string {
  const [first = '', ...rest] = helpText.trim().split('\n');
  const roff = (text: string): string =>
    text
      .replaceAll('\\', '\\e')
      .replaceAll('-', '\\-')
      .replace(/^([.'])/gm, '\\&$1');
  return [
    `.TH WRIT\\-RELAY 1 "" "writ\\-relay ${roff(programVersion)}" "Writ"`,
    '.SH NAME',
    `writ\\-relay \\- ${roff(first.replace(/^[^:]*: /, ''))}`,
    '.SH DESCRIPTION',
    '.EX',
    roff(rest.join('\n').trim()),
    '.EE',
    '',
  ].join('\n');
}

export const completionScript = (shell: Shell): string => scriptOf(shell);
