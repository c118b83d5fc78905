import type { Tell } from '../finding.ts';
import type { JunkNode } from '../syntax.ts';
import type { Unit, UnitFile } from '../unit.ts';

const sentences: Readonly<Record<Exclude<JunkNode['why'], 'open_end'>, string>> = {
  no_section: 'the line stands before the first section',
  not_understood: 'the line is neither a section nor a key with its value nor a comment',
  bad_section: 'the line is no name of a section',
  bad_key: 'the line has no key before the =',
};

/** Lines that are not understood, or otherwise than they look. */
export function judgeSyntax(unit: Unit, tell: Tell): void {
  for (const { from, text } of unit.texts) {
    for (const node of text.nodes) {
      const at = (line: number, column = 1) => ({
        file: from.file,
        ...(from.at ?? { line, column }),
      });
      if (node.kind === 'junk') tellJunk(node, from, unit, at(node.line, node.column), tell);
      const control = /(?![\t\n\r])\p{Cc}/u.exec(node.raw);
      if (control !== null && node.kind !== 'comment') {
        const before = node.raw.slice(0, control.index).split('\n');
        tell(
          at(node.line + before.length - 1, before.at(-1)!.length + 1),
          'control_character',
          `the line holds a control character (U+${control[0].charCodeAt(0).toString(16).padStart(4, '0')})`,
        );
      }
      if (node.kind !== 'assignment' || text.dialect !== 'quadlet') continue;
      const lines = node.raw.split('\n').slice(0, -1);
      const blank = lines.findIndex((line, index) => index > 0 && line.trim() === '');
      if (blank > 0) {
        tell(
          at(node.line + blank),
          'blank_in_value',
          `Podman passes over the blank line: the value of ${node.key} goes on behind it`,
          { warning: true, suggestion: 'Take the backslash off the last line of the value.' },
        );
      }
    }
  }
}

function tellJunk(
  node: JunkNode,
  from: UnitFile,
  unit: Unit,
  at: { file: string; line: number; column: number },
  tell: Tell,
): void {
  if (node.why === 'open_end') {
    tell(at, 'open_end', 'the value goes on behind the end of the file, and Podman drops it', {
      suggestion: 'Take the backslash off its last line.',
    });
    return;
  }
  const what = sentences[node.why];
  if (unit.name.kind === 'systemd') {
    if (node.why === 'bad_section') tell(at, 'not_understood', `${what}; systemd does not load the unit`);
    else tell(at, 'not_understood', `${what}; systemd passes over it`, { warning: true });
    return;
  }
  const suggestion = node.text.startsWith('\ufeff') ? 'Save the file without a byte order mark.' : '';
  const then =
    from === unit.file
      ? "Podman's generator then makes no unit of any file in this folder"
      : 'Podman leaves the drop-in out';
  tell(at, 'not_understood', `${what}; ${then}`, { suggestion, generator: true });
}
