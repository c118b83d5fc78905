import * as v from 'valibot';
import { commandActions } from '../../../schema/actions/index.ts';
import { describeIssue } from '../../../schema/jose/jws.ts';
import { didYouMean } from '../../../schema/near.ts';
import type { Finding } from '../finding.ts';
import { cutsFor, originOf, without } from './cut.ts';
import type { Path, YamlFile } from './yaml.ts';

/** A fault of a value: which member, what of it, and what was probably meant. */
export type ShapeFault = {
  readonly path: Path;
  readonly code: 'unknown_member' | 'wrong_value';
  readonly message: string;
  readonly suggestion?: string;
};

/** Holds a value against a shape, and tells everything that is wrong with it. */
export function holdShape<const S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): { ok: true; value: v.InferOutput<S> } | { ok: false; faults: ShapeFault[] } {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return { ok: true, value: parsed.output };
  const first = faultsOf(schema, parsed.issues);
  const faults = [...first, ...moreUnknown(schema, value, first)];
  return { ok: false, faults: faults.filter((one) => !faults.some((other) => isInPlaceOf(other, one))) };
}

/** Whether a member that nobody knows is one that is missed, by a name that is nearly right. */
const isInPlaceOf = ({ path, suggestion }: ShapeFault, { path: missed, message }: ShapeFault): boolean =>
  message === `${missed.join('.')} is missing` &&
  suggestion === `Did you mean ${missed.at(-1)}?` &&
  path.slice(0, -1).join('.') === missed.slice(0, -1).join('.');

/** @param origin where a path stands in the whole file */
const faultsOf = (
  schema: v.GenericSchema,
  issues: readonly v.BaseIssue<unknown>[],
  origin: (path: Path) => Path = (path) => path,
): ShapeFault[] =>
  issues
    .flatMap((issue) => closest(issue, []))
    .map(({ issue, path: at }): ShapeFault => {
      const path = origin(at);
      const suggestion = suggest(schema, issue, path);
      return {
        path,
        code: issue.expected === 'never' ? 'unknown_member' : 'wrong_value',
        message: describe(issue, path),
        ...(suggestion !== '' && { suggestion }),
      };
    });

/** Of several members that nobody knows, Valibot tells the first alone: the others are seen without it. */
function moreUnknown(schema: v.GenericSchema, value: unknown, faults: readonly ShapeFault[]): ShapeFault[] {
  const more: ShapeFault[] = [];
  const cuts: Path[] = [];
  const unknown = (all: readonly ShapeFault[]) => all.filter(({ code }) => code === 'unknown_member');
  let found = unknown(faults);
  for (;;) {
    const paths = found.map(({ path }) => path);
    const made = cutsFor(value, cuts, paths);
    if (made.length === 0) break;
    cuts.push(...made);
    const parsed = v.safeParse(schema, without(value, cuts));
    if (parsed.success) break;
    found = unknown(faultsOf(schema, parsed.issues, (path) => originOf(value, cuts, path)));
    more.push(...found);
  }
  return more;
}

/** Holds a file against its shape; every fault becomes a finding at its place. */
export function readShape<const S extends v.GenericSchema>(
  schema: S,
  yaml: YamlFile,
): { ok: true; value: v.InferOutput<S> } | { ok: false; findings: Finding[] } {
  const { value } = yaml;
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    const message = 'the file is no mapping of names to values';
    return { ok: false, findings: [{ ...yaml.place([]), severity: 'error', code: 'wrong_value', message }] };
  }
  const read = holdShape(schema, value ?? {});
  if (read.ok) return read;
  return {
    ok: false,
    findings: read.faults.map(({ path, ...fault }) => ({ ...yaml.place(path), severity: 'error', ...fault })),
  };
}

const actionNames = commandActions.map(({ type }) => type);

type Located = { readonly issue: v.BaseIssue<unknown>; readonly path: Path };

/** Of a union's alternatives the one that was meant: whose faults lie deepest. */
function closest(issue: v.BaseIssue<unknown>, above: Path): Located[] {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => key as string | number)];
  if (issue.type !== 'union' || issue.issues === undefined) return [{ issue, path }];
  const inner = issue.issues.flatMap((one) => closest(one, path));
  // A list is held against objects as well, and then its entries are members.
  const isList = Array.isArray(issue.input);
  const meant = inner.filter(
    ({ path: at }) => at.length > path.length && (!isList || typeof at[path.length] === 'number'),
  );
  // One that lacks what only another alternative has is not the one that was meant.
  const told = meant.filter(({ issue: one }) => one.received !== 'undefined');
  if (told.length === 0) return meant.length > 0 ? meant.slice(0, 1) : [{ issue, path }];
  const wrong = told.filter(({ issue: one }) => one.expected !== 'never');
  return wrong.length > 0 ? unique(wrong) : unique(told).slice(0, 1);
}

const unique = (all: readonly Located[]): Located[] => [
  ...new Map(all.map((one) => [`${one.path.join('.')} ${one.issue.message}`, one])).values(),
];

function describe(issue: v.BaseIssue<unknown>, path: Path): string {
  const name = path.join('.') || 'the file';
  if (issue.expected === 'never') return `${name} is not a known member`;
  if (issue.received === 'undefined') return `${name} is missing`;
  if (issue.type === 'union' && !issue.message.startsWith('Invalid type')) return `${name} ${issue.message}`;
  return describeIssue({ ...issue, path: undefined } as v.BaseIssue<unknown>)
    .replace(/^the document/, name)
    .replace(/: must /, ' must ');
}

function suggest(schema: unknown, issue: v.BaseIssue<unknown>, path: Path): string {
  const last = path.at(-1);
  if (issue.expected === 'never')
    return didYouMean(String(last), membersAt(schema, path.slice(0, -1))).trim();
  if (issue.type === 'picklist' && typeof issue.input === 'string') {
    const options = [...(issue.expected ?? '').matchAll(/"([^"]*)"/g)].map(([, option]) => option!);
    return didYouMean(issue.input, options).trim();
  }
  if (last === 'action' && typeof issue.input === 'string') {
    return didYouMean(issue.input, actionNames).trim();
  }
  // 0640 is a number to YAML, and so is 3.5; a version and a mode are texts.
  if (issue.type === 'string' && ['number', 'boolean'].includes(typeof issue.input))
    return 'Put it in quotes.';
  return '';
}

type Shape = {
  readonly entries?: Record<string, unknown>;
  readonly value?: unknown;
  readonly item?: unknown;
  readonly options?: readonly unknown[];
  readonly wrapped?: unknown;
  readonly pipe?: readonly unknown[];
};

/** The members that a schema has at a path, those of all alternatives together. */
function membersAt(schema: unknown, path: Path): readonly string[] {
  let at: Shape[] = unwrap(schema);
  for (const key of path) {
    at = at.flatMap((shape) => {
      const entry = shape.entries !== undefined && Object.hasOwn(shape.entries, String(key));
      return unwrap(entry ? shape.entries![String(key)] : typeof key === 'number' ? shape.item : shape.value);
    });
    // One value in place of a list of them: the list's alternatives stand beside it.
  }
  return at.flatMap(({ entries }) => Object.keys(entries ?? {}));
}

function unwrap(schema: unknown): Shape[] {
  const shape = schema as Shape | undefined;
  if (shape === undefined || shape === null) return [];
  if (shape.wrapped !== undefined) return unwrap(shape.wrapped);
  if (shape.pipe !== undefined && shape.pipe[0] !== shape) return unwrap(shape.pipe[0]);
  if (Array.isArray(shape.options) && typeof shape.options[0] === 'object')
    return shape.options.flatMap(unwrap);
  return [shape];
}
