import { readSharedData } from '../shared-data.ts';

/** Judges the simulator's traffic; see `loadSchemaCheck`. */
export type SchemaCheck = {
  /** The faults of a request, empty when it is as the schema says. Path parameters are checked too. */
  request(method: string, path: string, params: Readonly<Record<string, unknown>>): readonly string[];
  /** The faults of a successful answer's `data`. */
  answer(method: string, path: string, data: unknown): readonly string[];
};

/** The dialect of JSON Schema that Proxmox VE describes itself in, as far as it is used in `pve-api.jsonl`. */
type Schema = {
  readonly type?: string;
  readonly optional?: 0 | 1;
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: unknown;
  readonly requires?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: 0 | 1 | Schema;
  readonly items?: Schema;
};
type Method = { readonly parameters?: Schema; readonly returns?: Schema; readonly allowtoken?: 0 | 1 };
type Entry = { readonly path: string; readonly methods: Readonly<Record<string, Method>> };

let loaded: SchemaCheck | 'absent' | undefined;

/**
 * The check against Proxmox VE's official API schema, or nothing where that data is absent: a user's clone goes
 * without, and the run says so at its end.
 */
export function loadSchemaCheck(): SchemaCheck | undefined {
  loaded ??= load();
  return loaded === 'absent' ? undefined : loaded;
}

function load(): SchemaCheck | 'absent' {
  const text = readSharedData('pve-api.jsonl');
  if (text === null) return 'absent';
  const lines = text.split('\n').filter((line) => line !== '');
  return createSchemaCheck(lines.map((line): Entry => JSON.parse(line)));
}

/** The same check over any entries. */
export function createSchemaCheck(entries: readonly Entry[]): SchemaCheck {
  const find = (method: string, path: string) => {
    const given = path.split('/').map(decodeURIComponent);
    const fitting = entries.filter(({ path: template }) => {
      const wanted = template.split('/');
      return (
        wanted.length === given.length &&
        wanted.every((part, index) => part === given[index] || part.startsWith('{'))
      );
    });
    // A literal part is meant rather than a placeholder.
    const entry = fitting.sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0];
    const parts: Record<string, string> = {};
    for (const [index, part] of (entry?.path.split('/') ?? []).entries()) {
      if (part.startsWith('{')) parts[part.slice(1, -1)] = given[index] ?? '';
    }
    return { method: entry?.methods[method], parts };
  };

  return {
    request(name, path, params) {
      const { method, parts } = find(name, path);
      if (method === undefined) return ['no such method and path'];
      if (method.allowtoken !== 1) return ['not available with an API token'];
      const twice = Object.keys(parts).filter((part) => part in params);
      return [
        ...twice.map((part) => `${part}: given in the path and again as a parameter`),
        ...faultsOf(method.parameters ?? {}, { ...params, ...parts }, 'parameters', 'object'),
      ];
    },
    answer(name, path, data) {
      const { method } = find(name, path);
      if (method === undefined) return ['no such method and path'];
      return faultsOf(method.returns ?? {}, data, 'data', 'any');
    },
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Perl knows no types: a number may be a string of digits, a boolean 0 or 1. */
const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  null: (value) => value === null,
  object: isRecord,
  array: Array.isArray,
  string: (value) => typeof value === 'string' || typeof value === 'number',
  integer: (value) => Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value)),
  number: (value) =>
    typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)),
  boolean: (value) =>
    value === true ||
    value === false ||
    value === 0 ||
    value === 1 ||
    (typeof value === 'string' && /^(0|1|on|off|yes|no|true|false)$/i.test(value)),
};

/** Formats that have a name and that this project's requests can meet. */
const formats: Readonly<Record<string, RegExp>> = {
  'pve-vmid': /^[1-9][0-9]{2,8}$/,
  'pve-node': /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/,
  'pve-configid': /^[a-z][a-z0-9_-]+$/i,
};

function faultsOf(schema: Schema, value: unknown, at: string, untyped: 'object' | 'any'): string[] {
  const type = schema.type ?? (schema.properties || untyped === 'object' ? 'object' : 'any');
  const fits = types[type];
  if (fits === undefined) return [`${at}: the schema has an unknown type ${type}`];
  if (!fits(value)) return [`${at}: not of type ${type}`];
  if (type === 'array' && Array.isArray(value)) {
    return value.flatMap((item, index) => faultsOf(schema.items ?? {}, item, `${at}[${index}]`, 'any'));
  }
  if (type === 'object' && isRecord(value)) return faultsOfObject(schema, value, at);
  return faultsOfScalar(schema, value, at);
}

function faultsOfObject(schema: Schema, value: Readonly<Record<string, unknown>>, at: string): string[] {
  const properties = schema.properties ?? {};
  const faults: string[] = [];
  for (const [name, property] of Object.entries(properties)) {
    // `net[n]` stands for net0, net1, …, each optional.
    if (!(name in value)) {
      if (property.optional !== 1 && !name.includes('[n]')) faults.push(`${at}.${name}: missing`);
    } else if (property.requires !== undefined && !(property.requires in value)) {
      faults.push(`${at}.${name}: needs ${property.requires} as well`);
    }
  }
  for (const [name, inner] of Object.entries(value)) {
    const property = properties[name] ?? properties[name.replace(/\d+$/, '[n]')];
    if (property !== undefined) faults.push(...faultsOf(property, inner, `${at}.${name}`, 'any'));
    else if (schema.additionalProperties === 0) faults.push(`${at}.${name}: not in the schema`);
    else if (typeof schema.additionalProperties === 'object') {
      faults.push(...faultsOf(schema.additionalProperties, inner, `${at}.${name}`, 'any'));
    }
  }
  return faults;
}

function faultsOfScalar(schema: Schema, value: unknown, at: string): string[] {
  const faults: string[] = [];
  const text = String(value);
  if (schema.enum !== undefined && !schema.enum.map(String).includes(text)) {
    faults.push(`${at}: not one of ${schema.enum.join(', ')}`);
  }
  const numeric = schema.type === 'integer' || schema.type === 'number';
  if (numeric && Number(text) < (schema.minimum ?? -Infinity)) faults.push(`${at}: below the minimum`);
  if (numeric && Number(text) > (schema.maximum ?? Infinity)) faults.push(`${at}: above the maximum`);
  if (schema.type === 'string' && text.length < (schema.minLength ?? 0)) faults.push(`${at}: too short`);
  if (schema.type === 'string' && text.length > (schema.maxLength ?? Infinity))
    faults.push(`${at}: too long`);
  // Perl's (?^:…) groups are the same patterns without flags.
  const pattern = schema.pattern?.replaceAll('(?^:', '(?:');
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(text)) {
    faults.push(`${at}: does not match ${schema.pattern}`);
  }
  const format = typeof schema.format === 'string' ? formats[schema.format] : undefined;
  if (format !== undefined && !format.test(text)) faults.push(`${at}: not a ${String(schema.format)}`);
  return faults;
}
