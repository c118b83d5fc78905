import { isMap, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import { sameJson } from '../../../schema/wire/canonical.ts';
import { flowOf, yamlOf } from './yaml-text.ts';

type Members = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Machines that homelab.yaml is to have; what is there already is not among them. */
export type Additions = { readonly hosts: Members; readonly guests: Members };

/** A new homelab.yaml. */
export const newHomelab = (additions: Additions, domain: string | undefined): string =>
  yamlOf({
    v: 1,
    ...(domain !== undefined && { site: { domain } }),
    hosts: additions.hosts,
    ...(Object.keys(additions.guests).length > 0 && { guests: additions.guests }),
  });

/**
 * The text with more hosts and guests in it, every byte of it kept. Null where it is written in a way in which
 * nothing can be put in: then a person must.
 */
export function extendHomelab(text: string, additions: Additions): string | null {
  let extended = text;
  for (const section of ['hosts', 'guests'] as const) {
    const added = Object.entries(additions[section]);
    if (added.length === 0) continue;
    const next = addTo(extended, section, additions[section]);
    if (next === null) return null;
    extended = next;
  }
  const before = parse(text);
  const after = parse(extended);
  if (before === null || after === null) return null;
  const wanted = {
    ...before,
    ...Object.fromEntries(
      (['hosts', 'guests'] as const)
        .filter((section) => Object.keys(additions[section]).length > 0)
        .map((section) => [
          section,
          { ...(before[section] as object | null | undefined), ...additions[section] },
        ]),
    ),
  };
  return sameJson(after, wanted) ? extended : null;
}

function parse(text: string): Record<string, unknown> | null {
  const document = parseDocument(text, { uniqueKeys: true, schema: 'core' });
  const value: unknown = document.errors.length > 0 ? null : document.toJS();
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function addTo(text: string, section: string, members: Members): string | null {
  const root = parseDocument(text).contents;
  if (!isMap(root)) return null;
  const lines = Object.entries(members).map(([name, value]) => `${name}: ${flowOf(value)}`);
  const pair = root.items.find((item) => (item.key as Scalar).value === section) as
    | Pair<Scalar, YAMLMap>
    | undefined;
  if (pair === undefined) {
    if (root.flow === true) return null;
    const gap = text === '' || text.endsWith('\n') ? '' : '\n';
    return `${text}${gap}${section}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
  }
  const map = pair.value as YAMLMap | Scalar | null;
  if (!isMap(map)) return null;
  if (map.flow === true) {
    const at = map.range![1] - 1;
    const before = text.slice(0, at).trimEnd();
    const comma = map.items.length === 0 || before.endsWith(',') ? ' ' : ', ';
    const space = text.slice(before.length, at) || ' ';
    return `${before}${comma}${lines.join(', ')}${space}${text.slice(at)}`;
  }
  const last = map.items.at(-1)! as Pair<Scalar, { range?: [number, number, number] } | null>;
  const first = map.items[0]!.key as Scalar;
  const lineStart = text.lastIndexOf('\n', first.range![0] - 1) + 1;
  const indent = text.slice(lineStart, first.range![0]);
  const valueEnd = last.value?.range?.[1] ?? last.key.range![1];
  const newline = text.indexOf('\n', valueEnd - 1);
  const at = newline < 0 ? text.length : newline + 1;
  const gap = newline < 0 ? '\n' : '';
  return `${text.slice(0, at)}${gap}${lines.map((line) => `${indent}${line}\n`).join('')}${text.slice(at)}`;
}
