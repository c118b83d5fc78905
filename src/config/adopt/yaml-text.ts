import { Document, type ParsedNode } from 'yaml';

/** Scalars, lists and mappings, nested at will. */
type Value = string | number | boolean | object;

const maxFlow = 100;

const isList = (value: object): value is readonly Value[] => Array.isArray(value);

/** A scalar as it may stand between brackets. */
function scalarOf(value: string | number | boolean): string {
  const list = new Document([value]);
  (list.contents as unknown as ParsedNode & { flow: boolean }).flow = true;
  return list.toString({ lineWidth: 0 }).trim().slice(2, -2);
}

/** A value on one line: `{ host: pve1, vmid: 101 }`. */
export function flowOf(value: Value): string {
  if (typeof value !== 'object') return scalarOf(value);
  if (isList(value)) return `[${value.map(flowOf).join(', ')}]`;
  const members = Object.entries<Value>(value as Record<string, Value>).map(
    ([name, one]) => `${scalarOf(name)}: ${flowOf(one)}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** A mapping as YAML in the way in which people write it: short lists, and the entries of lists, on one line. */
export const yamlOf = (value: object): string =>
  Object.entries<Value>(value as Record<string, Value>)
    .map(([name, member]) => `${name}:${memberOf(member)}\n`)
    .join('');

function memberOf(value: Value): string {
  const line = ` ${flowOf(value)}`;
  if (typeof value !== 'object') return line;
  const inner: readonly Value[] = isList(value) ? value : Object.values(value);
  const isPlain = inner.every((one) => typeof one !== 'object') && line.length <= maxFlow;
  if (isPlain || inner.length === 0) return line;
  return isList(value)
    ? value.map((one) => `\n  - ${flowOf(one)}`).join('')
    : Object.entries<Value>(value as Record<string, Value>)
        .map(([name, one]) => `\n  ${scalarOf(name)}: ${flowOf(one)}`)
        .join('');
}
