import type { Node } from 'nunjucks/src/parser.js';
import { placeholdersIn } from '../../../schema/manifest/placeholder.ts';
import { maxReleaseFileBytes } from '../../../schema/wire/release.ts';
import { refuseTemplate, type Spot } from './fault.ts';
import { type Callable, isList, isMapping } from './values.ts';

/** What one rendering shares. */
export type Run = {
  /** Names of secrets that were asked for. */
  readonly secrets: Set<string>;
  /** Refuses a text that no file could hold; gives any other value back. */
  sized<T>(at: Spot, value: T): T;
  /** The text of a `{% set %}…{% endset %}` or `{% filter %}` block. */
  capture(node: Node, scope: Scope): string;
  /** The block of a `{% call %}`, as a function. */
  caller(node: Node, scope: Scope): Callable;
};

/** Names in force, those of an inner block over those of an outer one. */
export type Scope = {
  readonly run: Run;
  /** The included template that is being rendered; absent for the template itself. */
  readonly file: string | undefined;
  find(name: string): { readonly value: unknown } | undefined;
  set(name: string, value: unknown): void;
  /** Names set in this block itself. */
  own(): Readonly<Record<string, unknown>>;
  names(): readonly string[];
  inner(file?: string): Scope;
};

export function createScope(run: Run, file: string | undefined, outer?: Scope): Scope {
  const values = new Map<string, unknown>();
  const scope: Scope = {
    run,
    file,
    find: (name) => (values.has(name) ? { value: values.get(name) } : outer?.find(name)),
    set: (name, value) => void values.set(name, value),
    own: () => Object.assign(Object.create(null), Object.fromEntries(values)) as Record<string, unknown>,
    names: () => [...values.keys(), ...(outer?.names() ?? [])],
    inner: (included) => createScope(run, included ?? file, scope),
  };
  return scope;
}

export function refuseLarge<T>(at: Spot, value: T): T {
  if (typeof value === 'string' && value.length > maxReleaseFileBytes) {
    refuseTemplate(
      at,
      'template_too_large',
      `it makes a text of more than ${maxReleaseFileBytes} characters`,
    );
  }
  return value;
}

/** Whether a value holds a secret's placeholder, at any depth. */
export function holdsSecret(value: unknown): boolean {
  if (typeof value === 'string') return placeholdersIn(value).length > 0;
  if (isList(value)) return value.some(holdsSecret);
  return isMapping(value) && Object.values(value).some(holdsSecret);
}
