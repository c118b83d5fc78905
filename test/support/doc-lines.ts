/** The part of a document below a heading, up to the next of the same or a higher level; all of it without one. */
export function sectionOf(markdown: string, heading: string): string {
  const lines = markdown.split('\n');
  // A comment of a shell block looks like a heading.
  let isFenced = false;
  const levels = lines.map((line) => {
    if (line.startsWith('```')) isFenced = !isFenced;
    return isFenced ? 0 : (/^(#+) /.exec(line)?.[1]?.length ?? 0);
  });
  const at = lines.findIndex((line, index) => levels[index]! > 0 && line.replace(/^#+ /, '') === heading);
  if (at < 0) throw new Error(`there is no heading "${heading}"`);
  const end = levels.findIndex((level, index) => index > at && level > 0 && level <= levels[at]!);
  return lines.slice(at + 1, end < 0 ? undefined : end).join('\n');
}

/**
 * What a reader types: the lines of the `sh` blocks, continuations joined, comments left out. A document's promises
 * are tested by playing just these.
 */
export function shellLines(markdown: string, heading?: string): string[] {
  const text = heading === undefined ? markdown : sectionOf(markdown, heading);
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) =>
      line
        .replace(/\s+#\s.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !line.startsWith('#'));
}
