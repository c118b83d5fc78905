import { refuseTemplate, type Spot } from './fault.ts';

/** What a function of a template is called with: values by position, then those by name. */
export type Call = {
  readonly at: Spot;
  readonly args: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;
};
export type Callable = (call: Call) => unknown;
/** A filter's first argument is what stands before the `|`. */
export type Filter = (input: unknown, call: Call) => unknown;

export type Mapping = { readonly [key: string]: unknown };

export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
export const isCallable = (value: unknown): value is Callable => typeof value === 'function';

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (isList(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}

/** Python's: nothing, none, zero and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (isList(value)) return value.length > 0;
  return isMapping(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** Python's `==`: by content, and never a text equal to a number. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((one, i) => isEqual(one, b[i]));
  if (isMapping(a) && isMapping(b)) {
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
    );
  }
  return a === b;
}

/** Less than 0, 0 or more; texts by code units, so that no locale matters. Refuses what has no order. */
export function order(at: Spot, a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  if (isList(a) && isList(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
      if (!isEqual(a[i], b[i])) return order(at, a[i], b[i]);
    }
    return a.length - b.length;
  }
  return refuseTemplate(at, 'template_type', `${kindOf(a)} and ${kindOf(b)} have no order`);
}

/** Whether `item in holder`. */
export function holds(at: Spot, holder: unknown, item: unknown): boolean {
  if (typeof holder === 'string' && typeof item === 'string') return holder.includes(item);
  if (isList(holder)) return holder.some((one) => isEqual(one, item));
  if (isMapping(holder)) return Object.hasOwn(holder, String(item));
  return refuseTemplate(at, 'template_type', `nothing can be "in" ${kindOf(holder)}`);
}

/**
 * A value as the text that is put out. Only texts and numbers have one that is not in doubt: Python writes `True`,
 * `None` and `['a']`, which no configuration means.
 */
export function textOf(at: Spot, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  const suggestion =
    typeof value === 'boolean'
      ? 'Write | tojson for true and false, or | string for True and False.'
      : value === null
        ? "Write | default('…', true), or leave it out with {% if %}."
        : isCallable(value)
          ? 'Call it with ().'
          : "Write | join(', ') or | tojson.";
  return refuseTemplate(at, 'template_type', `${kindOf(value)} has no text of its own`, suggestion);
}

/** Python's `str()` of what filters on texts take. */
export function stringOf(at: Spot, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value === null ? 'None' : textOf(at, value);
}

/** The items of a loop: of a list, the characters of a text, the keys of a mapping. */
export function itemsOf(at: Spot, value: unknown): readonly unknown[] {
  if (isList(value)) return value;
  if (typeof value === 'string') return [...value];
  if (isMapping(value)) return Object.keys(value);
  return refuseTemplate(at, 'template_type', `${kindOf(value)} has no items to go through`);
}

export function numberOf(at: Spot, value: unknown): number {
  if (typeof value === 'number') return value;
  return refuseTemplate(at, 'template_type', `a number is needed here, not ${kindOf(value)}`);
}

/** A whole number, such as an index or a width, within what a template may sensibly ask for. */
export function countOf(at: Spot, value: unknown): number {
  const count = numberOf(at, value);
  if (Number.isSafeInteger(count) && Math.abs(count) <= maxItems) return count;
  return refuseTemplate(at, 'template_type', `a whole number of at most ${maxItems} is needed here`);
}

/** Items of a range, and characters by which a text can be widened at once. */
export const maxItems = 100_000;

/** The argument at a position or by its name; `fallback` where it is absent. */
export function argument(call: Call, index: number, name: string, fallback: unknown): unknown {
  if (index < call.args.length) return call.args[index];
  return Object.hasOwn(call.named, name) ? call.named[name] : fallback;
}

/** A text that must be given. */
export function textArgument(call: Call, index: number, name: string): string {
  const value = argument(call, index, name, undefined);
  if (typeof value === 'string') return value;
  return refuseTemplate(call.at, 'template_type', `${name} must be a text, not ${kindOf(value)}`);
}

/** Python's slice `[from:to:step]`; null for an end that is left open. */
export function slice<T>(items: readonly T[], from: number | null, to: number | null, step: number): T[] {
  const length = items.length;
  const clamp = (value: number, low: number, high: number): number =>
    Math.min(Math.max(value < 0 ? value + length : value, low), high);
  const taken: T[] = [];
  if (step > 0) {
    const end = to === null ? length : clamp(to, 0, length);
    for (let i = from === null ? 0 : clamp(from, 0, length); i < end; i += step) taken.push(items[i]!);
  } else {
    const end = to === null ? -1 : clamp(to, -1, length - 1);
    for (let i = from === null ? length - 1 : clamp(from, -1, length - 1); i > end; i += step)
      taken.push(items[i]!);
  }
  return taken;
}
