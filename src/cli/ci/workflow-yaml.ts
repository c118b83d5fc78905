/** What YAML holds. */
export type Yaml = unknown;
export type YamlRecord = { readonly [name: string]: Yaml };

export const isRecord = (value: Yaml): value is YamlRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members that are records themselves. */
export const recordsIn = (value: YamlRecord): (readonly [string, YamlRecord])[] =>
  Object.entries(value).flatMap(([name, one]) => (isRecord(one) ? [[name, one] as const] : []));

/** Every text within a value, with the path to it. */
export function textsIn(
  value: Yaml,
  path: readonly (string | number)[] = [],
): { path: readonly (string | number)[]; text: string }[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((one, index) => textsIn(one, [...path, index]));
  return isRecord(value) ? Object.entries(value).flatMap(([name, one]) => textsIn(one, [...path, name])) : [];
}
