import * as v from 'valibot';
import {
  absolutePathSchema,
  addressSchema,
  domainSchema,
  durationSchema,
  hostNameSchema,
  ownerSchema,
  percentSchema,
  placeSchema,
  portSchema,
  secretNameSchema,
  subnetSchema,
  unitNameSchema,
} from '../../schema/manifest/values.ts';
import { nameSchema } from '../../schema/wire/ids.ts';
import type { Generator } from '../../src/config/generate/generator.ts';

/** An option of a generator; one of a member of an option has that in front: `limits.rate`. */
export type Option = {
  readonly name: string;
  readonly type: string;
  readonly byDefault: string;
  readonly about: string | undefined;
};

type Shape = v.GenericSchema & {
  readonly wrapped?: v.GenericSchema;
  readonly default?: unknown;
  readonly pipe?: readonly (v.GenericSchema & { readonly kind: string; readonly requirement?: unknown })[];
  readonly entries?: v.ObjectEntries;
  readonly item?: v.GenericSchema;
  readonly value?: v.GenericSchema;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
};

/** What is known by a name to whoever writes a manifest. */
const words = new Map<unknown, string>([
  [absolutePathSchema, 'path'],
  [addressSchema, 'address'],
  [domainSchema, 'domain'],
  [durationSchema, 'duration'],
  [hostNameSchema, 'host name'],
  [nameSchema, 'name'],
  [ownerSchema, 'owner'],
  [percentSchema, 'percentage'],
  [placeSchema, 'place'],
  [portSchema, 'port'],
  [secretNameSchema, 'name of a secret'],
  [subnetSchema, 'subnet'],
  [unitNameSchema, 'unit'],
]);

const unique = <T>(all: readonly T[]): T[] => [...new Set(all)];
const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** The schema without what only says that it may be absent, or adds to it. */
function bare(schema: v.GenericSchema): Shape {
  const { wrapped, pipe } = schema as Shape;
  if (words.has(schema)) return schema as Shape;
  if (wrapped !== undefined) return bare(wrapped);
  if (pipe !== undefined && pipe[0] !== schema) return bare(pipe[0]!);
  return schema as Shape;
}

/** The kinds of value that a schema takes, in words. */
function typeWords(schema: v.GenericSchema): string[] {
  const shape = bare(schema);
  const word = words.get(shape);
  if (word !== undefined) return [word];
  switch (shape.type) {
    case 'string':
      return ['text'];
    case 'picklist':
    case 'enum':
      return shape.options!.map(code);
    case 'literal':
      return [code(shape.literal)];
    case 'boolean':
      return ['`true`', '`false`'];
    case 'array':
      return [`list of ${typeWords(shape.item!).join(' or ')}`];
    case 'strict_object':
    case 'object':
      return ['members'];
    case 'record':
      return ['map'];
    case 'unknown':
      return ['anything'];
    case 'union':
    case 'variant':
      return unique((shape.options as v.GenericSchema[]).flatMap(typeWords));
    default:
      return [shape.type];
  }
}

/** One value or a list of such is said once. */
function typeOf(schema: v.GenericSchema): string {
  const all = typeWords(schema);
  const list = all.find((word) => word.startsWith('list of '));
  const one = list?.slice('list of '.length).split(' or ') ?? [];
  if (list !== undefined && one.length > 0 && one.every((word) => all.includes(word))) {
    return oneOf([...one, 'a list']);
  }
  return oneOf(all);
}

const oneOf = (all: readonly string[]): string =>
  all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} or ${all.at(-1)}`;

/** Members of an object, of the entries of a list of objects, or of the one alternative that is an object. */
function membersOf(
  schema: v.GenericSchema,
): { readonly entries: v.ObjectEntries; readonly sign: string } | undefined {
  const shape = bare(schema);
  if (shape.entries !== undefined) return { entries: shape.entries, sign: '.' };
  if (shape.type === 'array') {
    const inner = membersOf(shape.item!);
    return inner && { ...inner, sign: `[]${inner.sign}` };
  }
  if (shape.type === 'record') {
    const inner = membersOf(shape.value!);
    return inner && { ...inner, sign: `.NAME${inner.sign}` };
  }
  if (shape.type !== 'union') return undefined;
  return (shape.options as v.GenericSchema[]).map(membersOf).find((one) => one !== undefined);
}

function defaultOf(schema: v.GenericSchema): string {
  const { type, wrapped, default: given } = schema as Shape;
  if (type !== 'optional' && wrapped === undefined) return 'required';
  const value: unknown = typeof given === 'function' ? given() : given;
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return code(value);
  const inside = Array.isArray(value) ? value : Object.values(value);
  // What members have by default stands with each of them.
  if (inside.length === 0 || !Array.isArray(value)) return '';
  return inside.map(code).join(', ');
}

/** The options of a generator, members after what they belong to. */
export function optionsOf(entries: v.ObjectEntries, before = ''): Option[] {
  return Object.entries(entries).flatMap(([key, schema]) => {
    const option: Option = {
      name: `${before}${key}`,
      type: typeOf(schema as v.GenericSchema),
      byDefault: defaultOf(schema as v.GenericSchema),
      about: v.getDescription(schema as v.GenericSchema),
    };
    const members = membersOf(schema as v.GenericSchema);
    return [
      option,
      ...(members === undefined ? [] : optionsOf(members.entries, `${option.name}${members.sign}`)),
    ];
  });
}

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`.replace(/ {2,}/g, ' ');

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** What the reference says of a generator by itself. */
export function referenceOf({ name, about, upstream, outputs, options }: Generator): string {
  const checked =
    upstream === undefined
      ? ''
      : ` Checked against ${upstream.program} from ${upstream.from} on, below ${upstream.below}.`;
  const lines = [
    `${capital(about)}.${checked}`,
    '',
    '| output | makes | what it is |',
    '| --- | --- | --- |',
    ...Object.entries(outputs).map(([output, { kind, about: what }]) =>
      row([code(`${name}/${output}`), kind === 'file' ? 'a file' : 'a folder', what]),
    ),
  ];
  if (options !== undefined) {
    lines.push(
      '',
      '| option | type | default | what it says |',
      '| --- | --- | --- | --- |',
      ...optionsOf(options.entries).map((one) =>
        row([code(one.name), one.type, one.byDefault, one.about ?? '']),
      ),
    );
  }
  return lines.join('\n');
}

const marks = (name: string) => [`<!-- generated:${name} -->`, `<!-- /generated:${name} -->`] as const;

/**
 * The page with the part of each generator made anew. One that has none gets it at the end of the section with its name
 * or its program's, or a section of its own at the end.
 */
export function writeReference(page: string, generators: readonly Generator[]): string {
  return generators.reduce((text, generator) => {
    const [begin, end] = marks(generator.name);
    const part = `${begin}\n${referenceOf(generator)}\n${end}`;
    const [before, after] = [text.indexOf(begin), text.indexOf(end)];
    if (before >= 0 && after > before)
      return `${text.slice(0, before)}${part}${text.slice(after + end.length)}`;
    const names = [generator.name, generator.upstream?.program ?? ''].map((one) => one.toLowerCase());
    const sections = text.split(/^(?=## )/m);
    const at = sections.findIndex((one) => names.includes(/^## (.+)/.exec(one)?.[1]?.toLowerCase() ?? ' '));
    if (at < 0) return `${text}\n## ${generator.upstream?.program ?? capital(generator.name)}\n\n${part}\n`;
    sections[at] = `${sections[at]!.trimEnd()}\n\n${part}\n${at === sections.length - 1 ? '' : '\n'}`;
    return sections.join('');
  }, page);
}
