import { printable } from '../../src/cli/text.ts';

/** Where in the repo an annotation stands. */
export type Place = { readonly file: string; readonly line?: number; readonly column?: number };

const maxCharacters = 4_000;

/** One line that no runner takes for a command: neither `::name::`, at its beginning, nor the older `##[name]`, anywhere. */
const inert = (line: string): string => line.replaceAll('::', ': :').replaceAll('##[', '## [');

const cut = (text: string): string =>
  text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)} …`;

/** Text for the log of a job, whoever wrote it: no line of it is a command, or moves what stands before it. */
export const logText = (text: string): string =>
  cut(text)
    .split(/\r\n|\r|\n/)
    .map((line) => inert(printable(line)))
    .join('\n');

/** A message within a command: the runner takes `%25`, `%0D` and `%0A` back, and nothing else. */
const data = (text: string): string =>
  logText(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** A value of a command's properties, which also end at colons and commas. */
const property = (text: string): string =>
  data(text.replace(/[\r\n]+/g, ' '))
    .replaceAll(':', '%3A')
    .replaceAll(',', '%2C');

/**
 * The command that shows a message at a place (docs.github.com: "Workflow commands for GitHub Actions"). All commands that
 * a run prints are made here and in `maskCommand`, and no text can end one or begin another.
 */
export function annotation(
  level: 'error' | 'warning' | 'notice',
  message: string,
  { title, place }: { readonly title?: string; readonly place?: Place } = {},
): string {
  const properties = [
    ...(place === undefined ? [] : [['file', place.file] as const]),
    ...(place?.line === undefined ? [] : [['line', String(place.line)] as const]),
    ...(place?.column === undefined ? [] : [['col', String(place.column)] as const]),
    ...(title === undefined ? [] : [['title', title] as const]),
  ].map(([name, value]) => `${name}=${property(value)}`);
  return `::${level}${properties.length > 0 ? ` ${properties.join(',')}` : ''}::${data(message)}`;
}

/** The command after which a log shows stars in place of a text. */
export const maskCommand = (secret: string): string => `::add-mask::${secret.replace(/[\r\n]+/g, '')}`;

/** Text in Markdown as it is: a block of code that its own text cannot end. */
export function markdownBlock(text: string): string {
  const shown = cut(text)
    .split(/\r\n|\r|\n/)
    .map(printable)
    .join('\n');
  const longest = Math.max(2, ...[...shown.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}`;
}
