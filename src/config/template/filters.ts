import { toBytes } from '../../../schema/jose/digest.ts';
import { didYouMean } from '../../../schema/near.ts';
import { refuseTemplate } from './fault.ts';
import { listFilters } from './list-filters.ts';
import {
  capitalize,
  dumpJson,
  indentText,
  replaceText,
  splitText,
  splitUrl,
  stripText,
  titleWords,
} from './text-functions.ts';
import {
  argument,
  type Call,
  countOf,
  type Filter,
  isList,
  isMapping,
  isTrue,
  numberOf,
  stringOf,
  textArgument,
  textOf,
} from './values.ts';

const optional = (call: Call, index: number, name: string): string | null =>
  argument(call, index, name, null) === null ? null : textArgument(call, index, name);

const ofText =
  (change: (text: string) => unknown): Filter =>
  (input, { at }) =>
    change(stringOf(at, input));

const json: Filter = (input, call) =>
  dumpJson(input, countOf(call.at, argument(call, 0, 'indent', 0) ?? 0), true);

/** JSON that may stand in a page: Jinja2's `tojson` writes these four so. */
const pageSafe = (text: string): string =>
  text.replace(/[<>&']/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

const base64 = (text: string): string => btoa(String.fromCharCode(...toBytes(text)));

const escaped: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};
const escapeHtml = ofText((text) => text.replace(/[&<>"']/g, (char) => escaped[char]!));

const round: Filter = (input, call) => {
  const value = numberOf(call.at, input);
  const scale = 10 ** countOf(call.at, argument(call, 0, 'precision', 0));
  const method = argument(call, 1, 'method', 'common');
  if (method === 'ceil') return Math.ceil(value * scale) / scale;
  if (method === 'floor') return Math.floor(value * scale) / scale;
  // Python rounds halves to the even neighbour.
  const low = Math.floor(value * scale);
  const rest = value * scale - low;
  return (rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low) / scale;
};

const own: Readonly<Record<string, Filter>> = {
  abs: (input, { at }) => Math.abs(numberOf(at, input)),
  b64encode: ofText(base64),
  capitalize: ofText(capitalize),
  center: (input, call) => {
    const text = stringOf(call.at, input);
    const left = Math.max(0, countOf(call.at, argument(call, 0, 'width', 80)) - text.length);
    return text.padStart(text.length + Math.floor(left / 2)).padEnd(text.length + left);
  },
  default: (input, call) =>
    argument(call, 1, 'boolean', false) === true && !isTrue(input)
      ? argument(call, 0, 'default_value', '')
      : input,
  escape: escapeHtml,
  float: (input, call) => {
    const value = Number(typeof input === 'string' ? input.trim() || 'none' : input);
    return Number.isNaN(value) ? argument(call, 0, 'default', 0) : value;
  },
  indent: (input, call) => {
    const width = argument(call, 0, 'width', 4);
    const prefix = typeof width === 'string' ? width : ' '.repeat(Math.max(0, countOf(call.at, width)));
    const flag = (index: number, name: string): boolean => isTrue(argument(call, index, name, false));
    return indentText(textOf(call.at, input), prefix, flag(1, 'first'), flag(2, 'blank'));
  },
  int: (input, call) => {
    if (typeof input === 'number') return Math.trunc(input);
    if (typeof input === 'boolean') return input ? 1 : 0;
    const text = typeof input === 'string' ? input.trim().replace(/^\+/, '') : '';
    return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Math.trunc(Number(text)) : argument(call, 0, 'default', 0);
  },
  length: (input, { at }) => {
    if (typeof input === 'string') return [...input].length;
    if (isList(input)) return input.length;
    if (isMapping(input)) return Object.keys(input).length;
    return refuseTemplate(at, 'template_type', 'only texts, lists and mappings have a length');
  },
  lower: ofText((text) => text.toLowerCase()),
  replace: (input, call) =>
    replaceText(
      call.at,
      stringOf(call.at, input),
      stringOf(call.at, argument(call, 0, 'old', '')),
      stringOf(call.at, argument(call, 1, 'new', '')),
      countOf(call.at, argument(call, 2, 'count', -1) ?? -1),
    ),
  round,
  safe: (input) => input,
  split: (input, call) =>
    splitText(
      stringOf(call.at, input),
      optional(call, 0, 'sep'),
      countOf(call.at, argument(call, 1, 'maxsplit', -1)),
    ),
  string: ofText((text) => text),
  title: ofText(titleWords),
  to_json: json,
  tojson: (input, call) => pageSafe(json(input, call) as string),
  trim: (input, call) => stripText(stringOf(call.at, input), optional(call, 0, 'chars'), 'both'),
  upper: ofText((text) => text.toUpperCase()),
  urlencode: ofText((text) =>
    encodeURIComponent(text)
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%2F', '/'),
  ),
  urlsplit: (input, call) => {
    const parts = splitUrl(textOf(call.at, input));
    const part = optional(call, 0, 'query');
    if (part === null) return parts;
    if (Object.hasOwn(parts, part)) return parts[part];
    return refuseTemplate(
      call.at,
      'template_unknown',
      `an address has no part ${part}`,
      didYouMean(part, Object.keys(parts)),
    );
  },
  wordcount: ofText((text) => splitText(text, null, -1).length),
};

/** Every filter, by name. */
export const filters: Readonly<Record<string, Filter>> = {
  ...own,
  ...listFilters((name) => (Object.hasOwn(filters, name) ? filters[name] : undefined)),
  count: own.length!,
  d: own.default!,
  e: escapeHtml,
};

/** Filters that put values together and change none of them, so that a secret's placeholder stays whole. */
export const keepsSecrets: ReadonlySet<string> = new Set([
  'default',
  'd',
  'first',
  'items',
  'join',
  'last',
  'list',
  'safe',
  'string',
]);

/** Filters of Jinja2 that cannot be there, and why. */
export const refusedFilters: Readonly<Record<string, string>> = {
  random: 'a build must come out the same every time',
  shuffle: 'a build must come out the same every time',
  attr: 'write the member after a dot',
  pprint: 'it prints what Python would; use tojson',
};
