/**
 * Unit files, read without losing a byte: every character of the text belongs to exactly one node. Two programs read
 * them by rules that differ a little: Podman's generator its own kinds (`quadlet`), systemd all others.
 *
 * - Quadlet: a line that ends in a backslash goes on in the next one, joined without a space; comments and *blank
 *   lines* between are passed over; what the last line of a file leaves open is lost.
 * - systemd: an even number of backslashes ends the line, spaces behind the backslash too; the backslash becomes a
 *   space; a blank line ends the value; comments between are passed over.
 */
export type Dialect = 'quadlet' | 'systemd';

/** Which program reads a file of this name. */
export const dialectOf = (name: string): Dialect =>
  /\.(container|volume|network|pod|kube|image|build|artifact)(\.d\/[^/]*)?$/.test(name)
    ? 'quadlet'
    : 'systemd';

/** Where a part of a joined line stood. `offset` counts in the joined line, line and column from 1. */
export type Piece = { readonly offset: number; readonly line: number; readonly column: number };

type Base = { readonly raw: string; readonly line: number };
export type BlankNode = Base & { readonly kind: 'blank' };
export type CommentNode = Base & { readonly kind: 'comment' };
export type SectionNode = Base & { readonly kind: 'section'; readonly name: string; readonly column: number };
export type AssignmentNode = Base & {
  readonly kind: 'assignment';
  readonly key: string;
  /** Continuations joined, spaces around it cut. */
  readonly value: string;
  readonly column: number;
  /** Of the value, in order; the first starts at offset 0. */
  readonly pieces: readonly Piece[];
};
/** What neither is nor becomes an assignment. Quadlet refuses the whole file for it, but for `open_end`. */
export type JunkNode = Base & {
  readonly kind: 'junk';
  readonly column: number;
  readonly text: string;
  readonly why: 'no_section' | 'not_understood' | 'bad_section' | 'bad_key' | 'open_end';
};
export type UnitNode = BlankNode | CommentNode | SectionNode | AssignmentNode | JunkNode;

export type UnitText = { readonly dialect: Dialect; readonly nodes: readonly UnitNode[] };

/** The text again, byte for byte. */
export const printUnit = ({ nodes }: UnitText): string => nodes.map(({ raw }) => raw).join('');

/** Whether Podman's generator can read a file at all. One that it cannot read takes all of its folder with it. */
export const isReadable = ({ nodes }: UnitText): boolean =>
  !nodes.some((node) => node.kind === 'junk' && node.why !== 'open_end');

/** Where the character of a value at `offset` stands in the file. */
export function placeIn(node: AssignmentNode, offset: number): { line: number; column: number } {
  const piece = node.pieces.findLast((one) => one.offset <= offset) ?? node.pieces[0]!;
  return { line: piece.line, column: piece.column + (offset - piece.offset) };
}

/** What Go's strings.TrimSpace cuts: not U+FEFF, but U+0085. */
const goSpace = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const cuts = {
  quadlet: { start: new RegExp(`^${goSpace}+`) },
  systemd: { start: /^[ \t\n\r]+/ },
} as const;

const isInk = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code > 0x20 && code < 0x7f;
};
// Most lines have nothing to cut.
const cutStart = (text: string, dialect: Dialect): string =>
  isInk(text, 0) ? text : text.replace(cuts[dialect].start, '');
// Backwards by hand: a pattern that ends in $ would try every space of a long line.
function cutEnd(text: string, dialect: Dialect): string {
  let end = text.length;
  while (end > 0 && !isInk(text, end - 1) && cuts[dialect].start.test(text[end - 1]!)) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

function backslashesBehind(text: string): number {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\\') end -= 1;
  return text.length - end;
}

type Held = { raw: string; line: number; text: string; pieces: Piece[] };
const startHeld = (line: number): Held => ({ raw: '', line, text: '', pieces: [] });

/** Reads any text whatever; nothing is refused here, what is not understood becomes a `junk` node. */
export function parseUnit(text: string, dialect: Dialect): UnitText {
  const lines = text.split('\n').map((line, index, all) => (index < all.length - 1 ? `${line}\n` : line));
  if (lines.at(-1) === '') lines.pop();
  const nodes: UnitNode[] = [];
  let held: Held | undefined;
  let inSection = false;
  const close = (open: Held): void => {
    const node = classify(open, dialect, inSection);
    if (node.kind === 'section') inSection = true;
    nodes.push(node);
    held = undefined;
  };
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    // systemd skips a byte order mark, Quadlet does not.
    const marked = line === 1 && dialect === 'systemd' && raw.startsWith('\ufeff');
    const started = cutStart(marked ? raw.slice(1) : raw, dialect);
    const column = raw.length - started.length + 1;
    let content = dialect === 'quadlet' ? cutEnd(started, dialect) : started.replace(/\r?\n$/, '');
    const isBlank = content === '';
    const isComment = content.startsWith('#') || content.startsWith(';');
    // Quadlet alone passes over a blank line within a value.
    const isPassed = isComment || (isBlank && (dialect === 'quadlet' || held === undefined));
    if (isPassed) {
      if (held !== undefined && (dialect === 'systemd' || held.text !== '')) {
        held.raw += raw;
        continue;
      }
      if (held !== undefined) nodes.push({ kind: 'blank', raw: held.raw, line: held.line });
      held = undefined;
      nodes.push({ kind: isBlank ? 'blank' : 'comment', raw, line });
      continue;
    }
    held ??= startHeld(line);
    held.raw += raw;
    held.pieces.push({ offset: held.text.length, line, column });
    const goesOn = dialect === 'quadlet' ? content.endsWith('\\') : (backslashesBehind(content) & 1) === 1;
    if (goesOn) content = content.slice(0, -1) + (dialect === 'systemd' ? ' ' : '');
    held.text += content;
    if (goesOn && (dialect === 'systemd' || index < lines.length - 1)) continue;
    close(held);
  }
  if (held !== undefined) {
    // Quadlet forgets what passed-over lines at the end of the file leave open.
    const lost = dialect === 'quadlet' && held.text !== '';
    if (lost) nodes.push(junk(held, 'open_end'));
    else close(held);
  }
  return { dialect, nodes };
}

const junk = ({ raw, line, text, pieces }: Held, why: JunkNode['why']): JunkNode => ({
  kind: 'junk',
  raw,
  line,
  column: pieces[0]!.column,
  text,
  why,
});

function classify(held: Held, dialect: Dialect, inSection: boolean): UnitNode {
  const { raw, line } = held;
  const text = cutEnd(cutStart(held.text, dialect), dialect);
  if (text === '') return { kind: 'blank', raw, line };
  const name = sectionName(text, dialect);
  if (name !== undefined) {
    const isValid = dialect === 'quadlet' ? /^[^[\]\p{Cc}]+$/u.test(name) : !/[\p{Cc}"'\\]/u.test(name);
    return isValid
      ? { kind: 'section', raw, line, name, column: held.pieces[0]!.column }
      : junk(held, 'bad_section');
  }
  if (dialect === 'systemd' && text.startsWith('[')) return junk(held, 'bad_section');
  const equals = text.indexOf('=');
  if (equals < 0 || (equals === 0 && dialect === 'quadlet')) return junk(held, 'not_understood');
  if (!inSection) return junk(held, 'no_section');
  const key = cutEnd(text.slice(0, equals), dialect);
  if (key === '') return junk(held, 'bad_key');
  const rest = text.slice(equals + 1);
  // Quadlet looks at single bytes here: only ASCII is space before a value.
  const value = rest.replace(dialect === 'quadlet' ? /^[\t-\r ]+/ : cuts.systemd.start, '');
  const lead = held.text.length - cutStart(held.text, dialect).length;
  const from = lead + equals + 1 + (rest.length - value.length);
  return {
    kind: 'assignment',
    raw,
    line,
    key,
    value,
    column: held.pieces[0]!.column + lead,
    pieces: piecesFrom(held.pieces, from),
  };
}

function sectionName(text: string, dialect: Dialect): string | undefined {
  if (!text.startsWith('[')) return undefined;
  if (dialect === 'systemd') return text.endsWith(']') && text.length > 1 ? text.slice(1, -1) : undefined;
  const end = text.indexOf(']');
  return end > 0 && /^[ \t]*$/.test(text.slice(end + 1)) ? text.slice(1, end) : undefined;
}

/** The pieces of what begins at `from` of the joined line, with offsets of its own. */
function piecesFrom(pieces: readonly Piece[], from: number): Piece[] {
  const first = pieces.findLast(({ offset }) => offset <= from) ?? pieces[0]!;
  return [
    { offset: 0, line: first.line, column: first.column + (from - first.offset) },
    ...pieces
      .filter(({ offset }) => offset > from)
      .map(({ offset, line, column }) => ({ offset: offset - from, line, column })),
  ];
}
