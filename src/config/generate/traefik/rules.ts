import type { Route } from '../../home.ts';

type When = NonNullable<Route['when']>;

/** Whether a name, itself perhaps a wildcard, is one that the wildcard stands for. */
export const isBelow = (name: string, wildcard: string): boolean =>
  wildcard.startsWith('*.') && name !== wildcard && name.endsWith(wildcard.slice(1));

/** Whether some name is meant by both. */
export const overlap = (a: string, b: string): boolean => a === b || isBelow(a, b) || isBelow(b, a);

/** A rule that holds for any of the names. A wildcard stands for names of any depth below it. */
export function hostsRule(hosts: readonly string[], layer: 'http' | 'tcp'): string {
  const matcher = layer === 'http' ? 'Host' : 'HostSNI';
  const each = hosts.map((host) => {
    if (!host.startsWith('*.')) return `${matcher}(\`${host}\`)`;
    const below = host.slice(1).replaceAll('.', '\\.');
    return `${matcher}Regexp(\`^[a-z0-9_-]+(\\.[a-z0-9_-]+)*${below}$\`)`;
  });
  return each.length === 1 ? each[0]! : `(${each.join(' || ')})`;
}

/**
 * The conditions of a route as the rest of a rule, empty without any; a sentence for each that cannot be written.
 * A path that starts with `^` is a regular expression, any other a prefix; the same holds for the value of a header.
 */
export function conditionsRule(when: When | undefined): { readonly rule: string; readonly faults: string[] } {
  const faults: string[] = [];
  const quote = (text: string): string => {
    const fault = unquotable(text);
    if (fault !== null) faults.push(fault);
    return `\`${text}\``;
  };
  const regexp = (text: string): string => {
    const fault = unlikeGo(text);
    if (fault !== null) faults.push(fault);
    return quote(text);
  };
  const path = (text: string): string => {
    if (text.startsWith('^')) return `PathRegexp(${regexp(text)})`;
    if (!text.startsWith('/')) faults.push(`the path ${text} starts with neither / nor ^`);
    return `PathPrefix(${quote(text)})`;
  };
  const anyOf = (rules: readonly string[]): string[] =>
    rules.length === 0 ? [] : rules.length === 1 ? [...rules] : [`(${rules.join(' || ')})`];
  const headers = Object.keys(when?.header ?? {}).sort();
  const parts = [
    ...anyOf((when?.path ?? []).map(path)),
    ...(when?.not_path ?? []).map((text) => `!${path(text)}`),
    ...headers.map((name) => {
      const value = when!.header![name]!;
      if (!/^[A-Za-z0-9!#$%&'*+.^_|~-]+$/.test(name)) {
        faults.push(`${name} is no name of a header`);
        return '';
      }
      return value.startsWith('^')
        ? `HeaderRegexp(${quote(name)}, ${regexp(value)})`
        : `Header(${quote(name)}, ${quote(value)})`;
    }),
    ...anyOf((when?.method ?? []).map((method) => `Method(\`${method}\`)`)),
  ];
  return { rule: parts.map((part) => ` && ${part}`).join(''), faults };
}

/** Traefik reads values between backquotes, in which nothing can be escaped. */
function unquotable(text: string): string | null {
  return /[`\p{Cc}]/u.test(text) ? `${JSON.stringify(text)} holds a backquote or a control character` : null;
}

/** Traefik drops a router whose expression Go does not read, and gives its requests to a wider one. */
function unlikeGo(text: string): string | null {
  const told = `the expression ${text}`;
  const bare = text.replaceAll(/\\[^a-zA-Z0-9]/g, '');
  if (/\(\?(?!P?<[A-Za-z_]|[imsU-]*[:)])/.test(bare)) return `${told} has a group that Go's do not have`;
  if (/\\[^pPdDsSwWbBaftnrvxQEAz]/.test(bare)) return `${told} has an escape that Go's do not have`;
  if (/\[\^?\]/.test(bare)) return `${told} has an empty class`;
  const repeated = [...bare.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap((match) =>
    match.slice(1, 3).map(Number),
  );
  if (repeated.some((count) => count > 1000)) return `${told} repeats more than 1000 times`;
  try {
    new RegExp(bare.replaceAll(/\(\?[imsU-]*\)/g, '').replaceAll(/\(\?P?(<)|\(\?[imsU-]*(:)/g, '(?$1$2'));
    return null;
  } catch {
    return `${told} cannot be read`;
  }
}

/**
 * The order in which Traefik tries rules that may meet, the highest first. A name goes before a wildcard, a wildcard
 * before a wider one, a longer path before a shorter one, more conditions before fewer. All are even: what refuses a
 * request goes between two of them.
 */
export function priorityOf(
  hosts: readonly string[],
  when: When | undefined,
  given: number | undefined,
): number {
  if (given !== undefined) return 2 * given;
  const path = Math.min(...(when?.path ?? ['']).map(({ length }) => length));
  const others = [when?.not_path?.[0], when?.method?.[0], ...Object.keys(when?.header ?? {})];
  const conditions = 10 * path + Math.min(9, others.filter((one) => one !== undefined).length);
  if (hosts.some((host) => !host.startsWith('*.'))) return 2 * (100 + conditions);
  return 2 * (wildcardRank(hosts) + (conditions === 0 ? 0 : 1));
}

/** Of what answers for names whose own app or proxy sleeps: behind the same name's own routers. */
export const wakingPriorityOf = (host: string): number =>
  2 * (host.startsWith('*.') ? wildcardRank([host]) - 1 : 90);

const wildcardRank = (hosts: readonly string[]): number =>
  10 + 3 * Math.min(25, ...hosts.map((host) => host.split('.').length - 1));

/** Whether no request fulfils both, as far as methods and prefixes of paths tell. */
export function excludeEachOther(a: When | undefined, b: When | undefined): boolean {
  const meet = <T>(
    one: readonly T[] | undefined,
    other: readonly T[] | undefined,
    same: (x: T, y: T) => boolean,
  ) => one === undefined || other === undefined || one.some((x) => other.some((y) => same(x, y)));
  const paths = meet(
    a?.path,
    b?.path,
    (x, y) => x.startsWith('^') || y.startsWith('^') || x.startsWith(y) || y.startsWith(x),
  );
  return !paths || !meet(a?.method, b?.method, (x, y) => x === y);
}
