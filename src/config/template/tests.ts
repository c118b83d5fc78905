import { refuseTemplate, type Spot } from './fault.ts';
import { countOf, holds, isCallable, isEqual, isList, isMapping, numberOf, order, textOf } from './values.ts';

export type TemplateTest = (value: unknown, args: readonly unknown[], at: Spot) => boolean;

const isWhole = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value);
const divisible: TemplateTest = (value, [by], at) => numberOf(at, value) % countOf(at, by) === 0;
const equal: TemplateTest = (value, [other]) => isEqual(value, other);
const compared =
  (holdsFor: (difference: number) => boolean): TemplateTest =>
  (value, [other], at) =>
    holdsFor(order(at, value, other));
const above = compared((difference) => difference > 0);
const below = compared((difference) => difference < 0);
const atLeast = compared((difference) => difference >= 0);
const atMost = compared((difference) => difference <= 0);

/** Jinja2's tests, as in `x is even`; `defined` and `undefined` are told apart where names are looked up. */
export const tests: Readonly<Record<string, TemplateTest>> = {
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: isWhole,
  float: (value) => typeof value === 'number' && !isWhole(value),
  mapping: isMapping,
  sequence: (value) => isList(value) || typeof value === 'string' || isMapping(value),
  iterable: (value) => isList(value) || typeof value === 'string' || isMapping(value),
  callable: isCallable,
  even: (value, _, at) => numberOf(at, value) % 2 === 0,
  odd: (value, _, at) => numberOf(at, value) % 2 !== 0,
  divisibleby: divisible,
  lower: (value, _, at) => textOf(at, value) === textOf(at, value).toLowerCase(),
  upper: (value, _, at) => textOf(at, value) === textOf(at, value).toUpperCase(),
  in: (value, [holder], at) => holds(at, holder, value),
  eq: equal,
  equalto: equal,
  sameas: equal,
  ne: (value, [other]) => !isEqual(value, other),
  gt: above,
  greaterthan: above,
  ge: atLeast,
  lt: below,
  lessthan: below,
  le: atMost,
  match: (value, [pattern], at) => patternOf(at, pattern, '^').test(textOf(at, value)),
  search: (value, [pattern], at) => patternOf(at, pattern, '').test(textOf(at, value)),
};

function patternOf(at: Spot, pattern: unknown, start: string): RegExp {
  try {
    return new RegExp(`${start}(?:${textOf(at, pattern)})`, 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return refuseTemplate(at, 'template_type', `it is no regular expression: ${textOf(at, pattern)}`);
  }
}
