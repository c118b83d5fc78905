import { isAlias, isMap, isSeq, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';
import type { Finding, Place } from '../finding.ts';
import { readText } from './text.ts';

/** Far more than a large home's file; keeps a wrong file from being parsed. */
const maxYamlBytes = 1024 * 1024;
/** An alias of an alias of an alias multiplies; nobody writes so many by hand. */
const maxAliases = 50;
const maxDepth = 40;

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
      uniqueKeys: true,
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
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return {
      ok: false,
      findings: faults.map((fault) => ({
        ...placeOf(fault.pos[0]),
        severity: 'error',
        code: fault.code === 'DUPLICATE_KEY' ? 'yaml_duplicate_key' : 'yaml_malformed',
        message: fault.message,
      })),
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
  return {
    ok: true,
    yaml: { file, value, place: (path) => placeOf(offsetOf(document.contents as ParsedNode | null, path)) },
  };
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

/** Where a path is in the text; for a key that stands there the key itself, for a missing one its parent. */
function offsetOf(root: ParsedNode | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const key of path) {
    if (isAlias(node)) return offset;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String((item.key as { value?: unknown })?.value) === String(key),
      );
      if (pair === undefined) return offset;
      offset = (pair.key as ParsedNode).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (node === undefined) return offset;
      offset = (node as ParsedNode).range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
