import { canonicalJson, sameJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseManifest } from '../../../schema/wire/release.ts';
import { byText } from '../repo.ts';

type Facts = ReleaseManifest['facts'];
type Kind = keyof Facts;

/** Something that the home offers otherwise than before. */
export type FactChange = {
  readonly kind: Kind;
  readonly change: 'added' | 'changed' | 'removed';
  /** A route's host, a DNS name, an access rule's name, a flow's two ends. */
  readonly subject: string;
  /** One sentence, without a full stop; names stand in backquotes. */
  readonly text: string;
  /** What it was and will be, as the releases have it. */
  readonly before?: Facts[Kind][number];
  readonly after?: Facts[Kind][number];
};

/** Everything in which the facts of two releases differ, in the order: routes, names, access, flows. */
export const changedFacts = (before: Facts, after: Facts): FactChange[] => [
  ...compare('routes', before.routes, after.routes, routeKey, ({ host }) => host, routeWords),
  ...compare(
    'names',
    before.names,
    after.names,
    ({ name }) => name,
    ({ name }) => name,
    nameWords,
  ),
  ...compare(
    'access',
    before.access,
    after.access,
    ({ name }) => name,
    ({ name }) => name,
    accessWords,
  ),
  ...compare('flows', before.flows, after.flows, canonicalJson, flowSubject, flowWords),
];

function compare<K extends Kind, T extends Facts[K][number]>(
  kind: K,
  before: readonly T[],
  after: readonly T[],
  keyOf: (fact: T) => string,
  subjectOf: (fact: T) => string,
  words: (before: T | undefined, after: T | undefined) => string[],
): FactChange[] {
  const old = keyed(before, keyOf);
  const now = keyed(after, keyOf);
  const changes: (FactChange & { readonly key: string })[] = [];
  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(key), now.get(key)];
    if (was !== undefined && is !== undefined && sameJson(was, is)) continue;
    changes.push({
      key,
      kind,
      change: was === undefined ? 'added' : is === undefined ? 'removed' : 'changed',
      subject: subjectOf((is ?? was)!),
      text: words(was, is).join('; '),
      ...(was !== undefined && { before: was }),
      ...(is !== undefined && { after: is }),
    });
  }
  return changes.sort((a, b) => byText(a.key, b.key)).map(({ key: _, ...change }) => change);
}

/** Facts by their key; of equal keys, the second is `key 2`, so that none is lost. */
function keyed<T>(facts: readonly T[], keyOf: (fact: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  for (const fact of facts) {
    const key = keyOf(fact);
    let free = key;
    for (let count = 2; found.has(free); count += 1) free = `${key} ${count}`;
    found.set(free, fact);
  }
  return found;
}

type Route = Facts['routes'][number];
const routeKey = ({ host, when }: Route): string => `${host} ${when ?? ''}`;
const reach = (open: boolean): string => (open ? 'public' : 'home-only');
const place = ({ app, target }: Route): string => `\`${app}\` on \`${target}\``;
const guarded = ({ access }: Route): string =>
  access === undefined ? 'without an access rule' : `for \`${access}\``;
/** ` (where …)`, or nothing for a route without conditions. */
export const conditionOf = ({ when }: Pick<Route, 'when'>): string =>
  when === undefined ? '' : ` (where \`${when.replaceAll('`', "'")}\`)`;

function routeWords(before: Route | undefined, after: Route | undefined): string[] {
  if (before === undefined) {
    return [
      `new ${reach(after!.public)} route \`${after!.host}\`${conditionOf(after!)} to ${place(after!)}, ${guarded(after!)}`,
    ];
  }
  const name = `\`${before.host}\`${conditionOf(before)}`;
  if (after === undefined) return [`${name} (${reach(before.public)}) goes away; it led to ${place(before)}`];
  const words: string[] = [];
  if (before.public !== after.public) words.push(`${name} becomes ${reach(after.public)}`);
  if (place(before) !== place(after))
    words.push(`${name} leads to ${place(after)}, before to ${place(before)}`);
  if (before.access !== after.access) words.push(`${name} is ${guarded(after)}, before ${guarded(before)}`);
  return words;
}

type Name = Facts['names'][number];
const at = ({ address }: Name): string => (address === undefined ? 'without an address' : `\`${address}\``);

function nameWords(before: Name | undefined, after: Name | undefined): string[] {
  if (before === undefined) return [`new ${reach(after!.public)} DNS name \`${after!.name}\`, ${at(after!)}`];
  if (after === undefined) return [`the DNS name \`${before.name}\` goes away`];
  const words: string[] = [];
  if (before.address !== after.address) {
    words.push(`the DNS name \`${after.name}\` is ${at(after)}, before ${at(before)}`);
  }
  if (before.public !== after.public)
    words.push(`the DNS name \`${after.name}\` becomes ${reach(after.public)}`);
  return words;
}

type Access = Facts['access'][number];
const listed = (names: readonly string[], none: string): string =>
  names.length === 0 ? none : names.map((name) => `\`${name}\``).join(', ');
const groups = ({ groups: all }: Access): string => listed(all, 'whoever is signed in');
const from = ({ from: all }: Access): string => listed(all, 'everywhere');

function accessWords(before: Access | undefined, after: Access | undefined): string[] {
  if (before === undefined) {
    return [
      `new access rule \`${after!.name}\`: ${after!.policy} for ${groups(after!)}, from ${from(after!)}`,
    ];
  }
  const rule = `the access rule \`${before.name}\``;
  if (after === undefined) return [`${rule} goes away`];
  const words: string[] = [];
  if (before.policy !== after.policy) words.push(`${rule} asks for ${after.policy}, before ${before.policy}`);
  if (groups(before) !== groups(after))
    words.push(`${rule} is for ${groups(after)}, before for ${groups(before)}`);
  if (from(before) !== from(after))
    words.push(`${rule} holds from ${from(after)}, before from ${from(before)}`);
  return words;
}

type Flow = Facts['flows'][number];
const port = (flow: Flow): string => (flow.port === undefined ? '' : ` at port ${flow.port}`);
const flowSubject = (flow: Flow): string => `${flow.from} ${flow.to}`;

function flowWords(before: Flow | undefined, after: Flow | undefined): string[] {
  const flow = (after ?? before)!;
  const ends = `\`${flow.from}\` ${after === undefined ? 'no longer reaches' : 'may reach'} \`${flow.to}\`${port(flow)}`;
  return [ends];
}
