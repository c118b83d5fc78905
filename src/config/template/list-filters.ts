import { didYouMean } from '../../../schema/near.ts';
import { refuseTemplate, type Spot } from './fault.ts';
import { tests } from './tests.ts';
import {
  argument,
  type Call,
  countOf,
  type Filter,
  isEqual,
  isList,
  isMapping,
  isTrue,
  itemsOf,
  kindOf,
  numberOf,
  order,
  stringOf,
  textArgument,
  textOf,
} from './values.ts';

/** `address` or `upstream.port` of an item. Refuses what is not there, unless there is a `fallback`. */
function memberOf(at: Spot, item: unknown, path: string, fallback?: { readonly value: unknown }): unknown {
  let value = item;
  for (const key of path.split('.')) {
    if (isMapping(value) && Object.hasOwn(value, key)) {
      value = value[key];
    } else if (isList(value) && Number(key) < value.length && /^[0-9]+$/.test(key)) {
      value = value[Number(key)];
    } else if (fallback !== undefined) {
      return fallback.value;
    } else {
      const known = isMapping(value) ? Object.keys(value) : [];
      refuseTemplate(
        at,
        'template_undefined',
        `${kindOf(value)} has no member ${key}`,
        didYouMean(key, known),
      );
    }
  }
  return value;
}

const attribute = (call: Call, index: number): string | null => {
  const given = argument(call, index, 'attribute', null);
  return given === null
    ? null
    : typeof given === 'number'
      ? String(given)
      : textArgument(call, index, 'attribute');
};

/** What an item is sorted or grouped by: of texts without regard to case, unless told. */
const keyOf =
  (call: Call, path: string | null, caseSensitive: boolean) =>
  (item: unknown): unknown => {
    const value = path === null ? item : memberOf(call.at, item, path);
    return typeof value === 'string' && !caseSensitive ? value.toLowerCase() : value;
  };

function sortBy(
  at: Spot,
  items: readonly unknown[],
  key: (item: unknown) => unknown,
  reverse: boolean,
): unknown[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  keyed.sort((a, b) => (reverse ? order(at, b.key, a.key) : order(at, a.key, b.key)));
  return keyed.map(({ item }) => item);
}

/** `select`, `reject`, `selectattr`, `rejectattr`. */
const choose =
  (byMember: boolean, wanted: boolean): Filter =>
  (input, call) => {
    const { at } = call;
    const path = byMember ? textArgument(call, 0, 'attribute') : null;
    const [name, ...args] = call.args.slice(byMember ? 1 : 0);
    const test = name === undefined ? isTrue : tests[textOf(at, name)];
    const defined = name === 'defined' || name === 'undefined';
    if (test === undefined && !defined) {
      refuseTemplate(
        at,
        'template_unknown',
        `there is no test ${textOf(at, name)}`,
        didYouMean(String(name), Object.keys(tests)),
      );
    }
    const absent = {};
    return itemsOf(at, input).filter((item) => {
      const value = path === null ? item : memberOf(at, item, path, defined ? { value: absent } : undefined);
      const held = defined ? (value !== absent) === (name === 'defined') : test!(value, args, at);
      return held === wanted;
    });
  };

const end =
  (which: 'first' | 'last'): Filter =>
  (input, { at }) => {
    const items = itemsOf(at, input);
    if (items.length === 0)
      refuseTemplate(at, 'template_undefined', `the list is empty, it has no ${which} item`);
    return items.at(which === 'first' ? 0 : -1);
  };

const extreme =
  (sign: 1 | -1): Filter =>
  (input, call) => {
    const items = itemsOf(call.at, input);
    if (items.length === 0) refuseTemplate(call.at, 'template_undefined', 'the list is empty');
    const key = keyOf(call, attribute(call, 1), argument(call, 0, 'case_sensitive', false) === true);
    return items.reduce((best, one) => (order(call.at, key(one), key(best)) * sign > 0 ? one : best));
  };

/** Jinja2's filters of lists. `filterOf` finds the filter that `map` is given by name. */
export const listFilters = (
  filterOf: (name: string) => Filter | undefined,
): Readonly<Record<string, Filter>> => ({
  batch: (input, call) => {
    const size = countOf(call.at, argument(call, 0, 'linecount', 0));
    if (size < 1) refuseTemplate(call.at, 'template_type', 'a batch has at least 1 item');
    const items = itemsOf(call.at, input);
    const fill = argument(call, 1, 'fill_with', null);
    return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => {
      const batch = items.slice(index * size, (index + 1) * size);
      return fill === null ? batch : [...batch, ...Array<unknown>(size - batch.length).fill(fill)];
    });
  },
  dictsort: (input, call) => {
    if (!isMapping(input))
      refuseTemplate(call.at, 'template_type', `dictsort takes a mapping, not ${kindOf(input)}`);
    const index = argument(call, 1, 'by', 'key') === 'value' ? 1 : 0;
    const key = keyOf(call, String(index), argument(call, 0, 'case_sensitive', false) === true);
    return sortBy(call.at, Object.entries(input), key, isTrue(argument(call, 2, 'reverse', false)));
  },
  first: end('first'),
  groupby: (input, call) => {
    const path = textArgument(call, 0, 'attribute');
    const key = keyOf(call, path, argument(call, 2, 'case_sensitive', false) === true);
    const groups: [unknown, unknown[]][] = [];
    for (const item of sortBy(call.at, itemsOf(call.at, input), key, false)) {
      const group = groups.at(-1);
      if (group !== undefined && isEqual(key(group[1][0]), key(item))) group[1].push(item);
      else groups.push([memberOf(call.at, item, path), [item]]);
    }
    return groups;
  },
  items: (input, { at }) =>
    isMapping(input)
      ? Object.entries(input)
      : refuseTemplate(at, 'template_type', `items takes a mapping, not ${kindOf(input)}`),
  join: (input, call) => {
    const path = attribute(call, 1);
    return itemsOf(call.at, input)
      .map((item) => textOf(call.at, path === null ? item : memberOf(call.at, item, path)))
      .join(stringOf(call.at, argument(call, 0, 'd', '')));
  },
  last: end('last'),
  list: (input, { at }) => [...itemsOf(at, input)],
  map: (input, call) => {
    const path = Object.hasOwn(call.named, 'attribute') ? attribute(call, Number.POSITIVE_INFINITY) : null;
    if (path !== null) {
      const fallback = Object.hasOwn(call.named, 'default') ? { value: call.named.default } : undefined;
      return itemsOf(call.at, input).map((item) => memberOf(call.at, item, path, fallback));
    }
    const name = textArgument(call, 0, 'filter');
    const filter = filterOf(name);
    if (filter === undefined) refuseTemplate(call.at, 'template_unknown', `there is no filter ${name}`);
    const inner: Call = { ...call, args: call.args.slice(1) };
    return itemsOf(call.at, input).map((item) => filter(item, inner));
  },
  max: extreme(1),
  min: extreme(-1),
  reject: choose(false, false),
  rejectattr: choose(true, false),
  reverse: (input, { at }) =>
    typeof input === 'string' ? [...input].reverse().join('') : [...itemsOf(at, input)].reverse(),
  select: choose(false, true),
  selectattr: choose(true, true),
  sort: (input, call) => {
    const key = keyOf(call, attribute(call, 2), argument(call, 1, 'case_sensitive', false) === true);
    return sortBy(call.at, itemsOf(call.at, input), key, isTrue(argument(call, 0, 'reverse', false)));
  },
  sum: (input, call) => {
    const path = attribute(call, 0);
    return itemsOf(call.at, input).reduce<number>(
      (sum, item) => sum + numberOf(call.at, path === null ? item : memberOf(call.at, item, path)),
      numberOf(call.at, argument(call, 1, 'start', 0)),
    );
  },
  unique: (input, call) => {
    const key = keyOf(call, attribute(call, 1), argument(call, 0, 'case_sensitive', false) === true);
    const kept: unknown[] = [];
    const seen: unknown[] = [];
    for (const item of itemsOf(call.at, input)) {
      const value = key(item);
      if (seen.some((one) => isEqual(one, value))) continue;
      seen.push(value);
      kept.push(item);
    }
    return kept;
  },
});
