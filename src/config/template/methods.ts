import { didYouMean } from '../../../schema/near.ts';
import { refuseTemplate, type Spot } from './fault.ts';
import { openEnd, sliceMethod } from './syntax.ts';
import { capitalize, replaceText, splitText, stripText, titleLetters } from './text-functions.ts';
import {
  argument,
  type Call,
  type Callable,
  countOf,
  isEqual,
  isList,
  isMapping,
  itemsOf,
  kindOf,
  type Mapping,
  slice,
  textArgument,
  textOf,
} from './values.ts';

type Methods<T> = Readonly<Record<string, (self: T, call: Call) => unknown>>;

const optionalText = (call: Call, index: number, name: string): string | null =>
  argument(call, index, name, null) === null ? null : textArgument(call, index, name);

function cut<T>(items: readonly T[], { at, args }: Call): T[] {
  const [from = null, to = null, step = null] = args.map((one) =>
    one === openEnd ? null : countOf(at, one),
  );
  if (step === 0) refuseTemplate(at, 'template_type', 'the step of a slice must not be 0');
  return slice(items, from, to, step ?? 1);
}

/** A text or several, any of which will do. */
function anyOf(call: Call, test: (one: string) => boolean): boolean {
  const given = call.args[0];
  return isList(given)
    ? given.some((one) => test(textOf(call.at, one)))
    : test(textArgument(call, 0, 'prefix'));
}

/** Python's methods of texts, as far as configuration needs them. */
const ofText: Methods<string> = {
  replace: (self, call) =>
    replaceText(
      call.at,
      self,
      textArgument(call, 0, 'old'),
      textArgument(call, 1, 'new'),
      countOf(call.at, argument(call, 2, 'count', -1)),
    ),
  split: (self, call) =>
    splitText(self, separator(call), countOf(call.at, argument(call, 1, 'maxsplit', -1))),
  rsplit: (self, call) => {
    const mark = separator(call) ?? ' ';
    const most = countOf(call.at, argument(call, 1, 'maxsplit', -1));
    const parts = self.split(mark);
    const keep = most < 0 ? 0 : Math.max(0, parts.length - most - 1);
    return keep === 0 ? parts : [parts.slice(0, keep + 1).join(mark), ...parts.slice(keep + 1)];
  },
  splitlines: (self) => self.replace(/\r?\n$/, '').split(/\r?\n/),
  join: (self, call) =>
    itemsOf(call.at, call.args[0])
      .map((one) => textOf(call.at, one))
      .join(self),
  upper: (self) => self.toUpperCase(),
  lower: (self) => self.toLowerCase(),
  title: (self) => titleLetters(self),
  capitalize: (self) => capitalize(self),
  strip: (self, call) => stripText(self, optionalText(call, 0, 'chars'), 'both'),
  lstrip: (self, call) => stripText(self, optionalText(call, 0, 'chars'), 'left'),
  rstrip: (self, call) => stripText(self, optionalText(call, 0, 'chars'), 'right'),
  startswith: (self, call) => anyOf(call, (one) => self.startsWith(one)),
  endswith: (self, call) => anyOf(call, (one) => self.endsWith(one)),
  removeprefix: (self, call) => {
    const prefix = textArgument(call, 0, 'prefix');
    return self.startsWith(prefix) ? self.slice(prefix.length) : self;
  },
  removesuffix: (self, call) => {
    const suffix = textArgument(call, 0, 'suffix');
    return suffix !== '' && self.endsWith(suffix) ? self.slice(0, -suffix.length) : self;
  },
  find: (self, call) => self.indexOf(textArgument(call, 0, 'sub')),
  count: (self, call) => self.split(textArgument(call, 0, 'sub')).length - 1,
  zfill: (self, call) => self.padStart(countOf(call.at, argument(call, 0, 'width', 0)), '0'),
  ljust: (self, call) => self.padEnd(countOf(call.at, argument(call, 0, 'width', 0))),
  rjust: (self, call) => self.padStart(countOf(call.at, argument(call, 0, 'width', 0))),
  isdigit: (self) => /^[0-9]+$/.test(self),
  [sliceMethod]: (self, call) => cut([...self], call).join(''),
};

function separator(call: Call): string | null {
  const mark = optionalText(call, 0, 'sep');
  if (mark === '') refuseTemplate(call.at, 'template_type', 'what separates must not be empty');
  return mark;
}

const ofList: Methods<readonly unknown[]> = {
  index: (self, call) => {
    const found = self.findIndex((one) => isEqual(one, call.args[0]));
    if (found < 0) refuseTemplate(call.at, 'template_type', 'the list does not hold it');
    return found;
  },
  count: (self, call) => self.filter((one) => isEqual(one, call.args[0])).length,
  [sliceMethod]: (self, call) => cut(self, call),
};

const ofMapping: Methods<Mapping> = {
  items: (self) => Object.entries(self),
  keys: (self) => Object.keys(self),
  values: (self) => Object.values(self),
  get: (self, call) => {
    const key = String(call.args[0]);
    return Object.hasOwn(self, key) ? self[key] : argument(call, 1, 'default', null);
  },
};

/** The method that a value has by that name, or undefined. */
export function methodOf(self: unknown, name: string): Callable | undefined {
  const pick = <T>(methods: Methods<T>, value: T): Callable | undefined =>
    Object.hasOwn(methods, name) ? (call) => methods[name]!(value, call) : undefined;
  if (typeof self === 'string') return pick(ofText, self);
  if (isList(self)) return pick(ofList, self);
  return isMapping(self) ? pick(ofMapping, self) : undefined;
}

/** Refuses a method that is not there. */
export function refuseMethod(at: Spot, self: unknown, name: string): never {
  const known = typeof self === 'string' ? ofText : isList(self) ? ofList : ofMapping;
  const names = Object.keys(known).filter((one) => one !== sliceMethod);
  return refuseTemplate(
    at,
    'template_unknown',
    `${kindOf(self)} has no method ${name}`,
    didYouMean(name, names),
  );
}
