import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import type { Finding, Place } from '../finding.ts';
import { readText } from './text.ts';

/** Far more than a large home's file; keeps a wrong file from being parsed. */
const maxYamlBytes = 1024 * 1024;
/** An alias of an alias of an alias multiplies; nobody writes so many by hand. */
const maxAliases = 50;
const maxDepth = 40;
/** More of one file nobody reads: a file that is no YAML has one in each line. */
const maxFaults = 100;

export type Path = readonly (string | number)[];

/** A YAML file that was read: its value, and where each part of it stands. */
export type YamlFile = {
  readonly file: string;
  readonly value: unknown;
  /** The place of a member; of a missing one, its parent's. */
  place(path: Path): Place;
};

/**
 * Reads YAML 1.2 without duplicate keys, tags or more than a few aliases.
 *
 * @param ordered whether mappings become Maps, which keep the order of the text for every key
 * @param texts whether every value and key is its text as it stands there: `0042` is no number then
 */
export function readYaml(
  file: string,
  bytes: Uint8Array,
  { ordered = false, texts = false }: { readonly ordered?: boolean; readonly texts?: boolean } = {},
): { ok: true; yaml: YamlFile } | { ok: false; findings: Finding[] } {
  const refused = (code: string, message: string, at: Partial<Place> = {}) => ({
    ok: false as const,
    findings: [{ file, line: 1, column: 1, ...at, severity: 'error' as const, code, message }],
  });
  if (bytes.length > maxYamlBytes) {
    return refused(
      'yaml_too_large',
      `a YAML file has at most ${maxYamlBytes} bytes, this one ${bytes.length}`,
    );
  }
  const text = readText(file, bytes);
  if (!text.ok) return { ok: false, findings: [text.finding] };
  if (deeper(text.text)) return refused('yaml_too_deep', `it is nested more than ${maxDepth} deep`);
  const lines = new LineCounter();
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text.text, {
      // What it doubts goes to stderr by itself otherwise.
      logLevel: 'error',
      lineCounter: lines,
      // Each key is compared with all before it otherwise: minutes for a file of 1 MB. `lookAt` tells them.
      uniqueKeys: false,
      schema: texts ? 'failsafe' : 'core',
      prettyErrors: false,
    });
  } catch (error) {
    // `- - - -` nests without a bracket; the parser recurses.
    if (!(error instanceof RangeError)) throw error;
    return refused('yaml_too_deep', `it is nested more than ${maxDepth} deep`);
  }
  const placeOf = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const twice = lookAt(document.contents);
  if (twice === null) return refused('yaml_too_deep', `it is nested more than ${maxDepth} deep`);
  const faults = [
    ...[...document.errors, ...document.warnings].map(({ pos, message }) => ({
      ...{ offset: pos[0], code: 'yaml_malformed', message },
    })),
    ...twice.map((offset) => ({ offset, code: 'yaml_duplicate_key', message: 'Map keys must be unique' })),
  ];
  if (faults.length > 0) {
    return {
      ok: false,
      findings: faults
        .sort((a, b) => a.offset - b.offset)
        .slice(0, maxFaults)
        .map(({ offset, code, message }) => ({ ...placeOf(offset), severity: 'error', code, message })),
    };
  }
  const aliases = text.text.includes('*') ? aliasesIn(document) : [];
  const firstAlias = aliases[0] ?? 0;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases, mapAsMap: ordered });
  } catch (error) {
    return refused('yaml_aliases', (error as Error).message, placeOf(firstAlias));
  }
  if (aliases.length > maxAliases) {
    return refused('yaml_aliases', `more than ${maxAliases} aliases stand in it`, placeOf(firstAlias));
  }
  const offsets = offsetsOf(document.contents as ParsedNode | null);
  return {
    ok: true,
    yaml: { file, value, place: (path) => placeOf(offsetAt(offsets, path)) },
  };
}

/**
 * Where keys stand that stood before in the same mapping, `1` and `"1"` being one; null where something is nested too deeply. Blocks nest without a
 * bracket, by indentation or as `- - -`; and the text of a key that is itself a mapping, as in `? ? ?`, takes the longer the
 * deeper it is, hours in 2 KB.
 */
function lookAt(root: unknown): number[] | null {
  const twice: number[] = [];
  const isShallow = (node: unknown, depth: number): boolean => {
    if (!isMap(node) && !isSeq(node)) return true;
    if (depth > maxDepth) return false;
    if (isSeq(node)) return node.items.every((item) => isShallow(item, depth + 1));
    const seen = new Set<string>();
    return node.items.every(({ key, value }) => {
      if (isScalar(key)) {
        const name = String(key.value ?? '');
        if (seen.has(name)) twice.push(key.range?.[0] ?? 0);
        seen.add(name);
      }
      return isShallow(key, depth + 1) && isShallow(value, depth + 1);
    });
  };
  return isShallow(root, 1) ? twice : null;
}

/** Where the aliases of a document stand. */
function aliasesIn(document: ReturnType<typeof parseDocument>): number[] {
  const offsets: number[] = [];
  visit(document, { Alias: (_, node) => void offsets.push(node.range?.[0] ?? 0) });
  return offsets;
}

/** Flow collections recurse in the parser: look before it does. Brackets in texts count too, which is no harm. */
function deeper(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > maxDepth) return true;
  }
  return false;
}

type Offsets = Map<string, number>;

/** No name that a file may have holds a NUL. */
const keyOf = (path: Path): string => path.map((key) => `\0${key}`).join('');

/** Where each member of a document stands: a key that is there, an entry of a list. The document itself is ten times as large. */
function offsetsOf(root: ParsedNode | null): Offsets {
  const offsets: Offsets = new Map([['', root?.range?.[0] ?? 0]]);
  const add = (node: unknown, above: string): void => {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const at = `${above}\0${(key as { value?: unknown } | null)?.value}`;
        offsets.set(at, (key as ParsedNode | null)?.range?.[0] ?? 0);
        add(value, at);
      }
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const at = `${above}\0${index}`;
        offsets.set(at, (item as ParsedNode | null)?.range?.[0] ?? 0);
        add(item, at);
      }
    }
  };
  add(root, '');
  return offsets;
}

/** For a member that is missing, or stands behind an alias, where its parent is. */
function offsetAt(offsets: Offsets, path: Path): number {
  for (let length = path.length; ; length -= 1) {
    const offset = offsets.get(keyOf(path.slice(0, length)));
    if (offset !== undefined || length === 0) return offset ?? 0;
  }
}
