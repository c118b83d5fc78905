import { refuseTemplate, type Spot } from './fault.ts';

/** `"graph.example.net"` → `"Graph.Example.Net"` would be Python's own; Jinja2's breaks at spaces, dashes and brackets. */
export const titleWords = (text: string): string =>
  text.replace(/[^-\s({[<]+/g, (word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase());

/** Python's `str.title`: every run of letters. */
export const titleLetters = (text: string): string =>
  text.replace(/\p{L}+/gu, (word) => word[0]!.toUpperCase() + word.slice(1).toLowerCase());

export const capitalize = (text: string): string =>
  text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();

/** Every place, or the first `count`. */
export function replaceText(at: Spot, text: string, from: string, to: string, count: number): string {
  if (from === '') refuseTemplate(at, 'template_type', 'what is replaced must not be empty');
  if (count < 0) return text.split(from).join(to);
  return splitText(text, from, count).join(to);
}

/** Python's `split`: at most `most` cuts, the rest kept whole; -1 for all. */
export function splitText(text: string, separator: string | null, most: number): string[] {
  if (separator === null) {
    const words: string[] = [];
    let rest = text.trimStart();
    while (rest !== '') {
      const end = most >= 0 && words.length >= most ? -1 : rest.search(/\s/);
      words.push(end < 0 ? (most >= 0 ? rest : rest.trimEnd()) : rest.slice(0, end));
      rest = end < 0 ? '' : rest.slice(end).trimStart();
    }
    return words;
  }
  const parts = text.split(separator);
  return most < 0 || parts.length <= most + 1
    ? parts
    : [...parts.slice(0, most), parts.slice(most).join(separator)];
}

/** Removes `chars` (absent: white space) from the ends that are named. */
export function stripText(text: string, chars: string | null, ends: 'both' | 'left' | 'right'): string {
  const drop = (char: string): boolean => (chars === null ? /\s/.test(char) : chars.includes(char));
  let from = 0;
  let to = text.length;
  if (ends !== 'right') while (from < to && drop(text[from]!)) from += 1;
  if (ends !== 'left') while (to > from && drop(text[to - 1]!)) to -= 1;
  return text.slice(from, to);
}

/** Jinja2's `indent`: every line but the first, and not empty ones, unless told. */
export function indentText(text: string, prefix: string, first: boolean, blank: boolean): string {
  const indented = text
    .split('\n')
    .map((line, index) => (index === 0 || (line === '' && !blank) ? line : prefix + line))
    .join('\n');
  return first ? prefix + indented : indented;
}

/** Python's `urlsplit`, as Ansible's filter has it: parts that are not there are empty or none. */
export function splitUrl(url: string): Record<string, unknown> {
  const [, scheme = '', netloc = '', path = '', query = '', fragment = ''] =
    /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/.exec(url) ??
    [];
  const at = netloc.lastIndexOf('@');
  const user = at < 0 ? null : netloc.slice(0, at);
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/.exec(netloc.slice(at + 1)) ?? [];
  const colon = user === null ? -1 : user.indexOf(':');
  return {
    scheme: scheme.toLowerCase(),
    netloc,
    path,
    query,
    fragment,
    hostname: host === '' ? null : host.replace(/^\[|\]$/g, '').toLowerCase(),
    port: port === undefined || port === '' ? null : Number(port),
    username: user === null ? null : colon < 0 ? user : user.slice(0, colon),
    password: user === null || colon < 0 ? null : user.slice(colon + 1),
  };
}

/** JSON as Python's `json.dumps` writes it: a space after commas and colons. `indent` 0 keeps it on one line. */
export function dumpJson(value: unknown, indent: number, sortKeys: boolean, depth = 1): string {
  const pad = indent === 0 ? '' : `\n${' '.repeat(indent * depth)}`;
  const end = indent === 0 ? '' : `\n${' '.repeat(indent * (depth - 1))}`;
  const comma = indent === 0 ? ', ' : ',';
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const items = value.map((one) => `${pad}${dumpJson(one, indent, sortKeys, depth + 1)}`);
    return `[${items.join(comma)}${end}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    if (keys.length === 0) return '{}';
    if (sortKeys) keys.sort();
    const items = keys.map(
      (key) =>
        `${pad}${JSON.stringify(key)}: ${dumpJson((value as Record<string, unknown>)[key], indent, sortKeys, depth + 1)}`,
    );
    return `{${items.join(comma)}${end}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
