/** What a rule is held against. */
export type RuleInput = {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
};

export type Rule = {
  holds(input: RuleInput): boolean;
  /** The values of every matcher of that name, negated ones too. */
  values(matcher: string): readonly string[];
};

type Matcher = { readonly arity: number; make(...values: string[]): (input: RuleInput) => boolean };

/** A Go expression as this program's, for the subset that both read alike. */
function expression(text: string): RegExp {
  const flags = /^\(\?([is]+)\)/.exec(text);
  return new RegExp(flags === null ? text : text.slice(flags[0].length), flags?.[1] ?? '');
}

const sameHost = (a: string, b: string): boolean => a.toLowerCase().replace(/\.$/, '') === b.toLowerCase();
const absolute = (path: string): string => {
  if (!path.startsWith('/')) throw new Error(`the path ${path} does not start with a /`);
  return path;
};

/** Matchers of HTTP routers, which compare as Traefik 3 does: prefixes by characters, headers by whole values. */
const httpMatchers: Readonly<Record<string, Matcher>> = {
  Host: { arity: 1, make: (host) => (input) => sameHost(input.host, host!) },
  HostRegexp: {
    arity: 1,
    make: (text) => {
      const regexp = expression(text!);
      return ({ host }) => regexp.test(host.toLowerCase());
    },
  },
  Path: {
    arity: 1,
    make: (given) => {
      const path = absolute(given!);
      return (input) => input.path === path;
    },
  },
  PathPrefix: {
    arity: 1,
    make: (given) => {
      const path = absolute(given!);
      return (input) => input.path.startsWith(path);
    },
  },
  PathRegexp: {
    arity: 1,
    make: (text) => {
      const regexp = expression(text!);
      return ({ path }) => regexp.test(path);
    },
  },
  Method: { arity: 1, make: (method) => (input) => input.method === method!.toUpperCase() },
  Header: {
    arity: 2,
    make:
      (name, value) =>
      ({ headers }) =>
        headers[name!.toLowerCase()] === value,
  },
  HeaderRegexp: {
    arity: 2,
    make: (name, text) => {
      const regexp = expression(text!);
      return ({ headers }) => {
        const value = headers[name!.toLowerCase()];
        return value !== undefined && regexp.test(value);
      };
    },
  },
};

/** Of TCP routers; the host is the name of the TLS hello. */
const tcpMatchers: Readonly<Record<string, Matcher>> = {
  HostSNI: {
    arity: 1,
    make: (host) => (input) => host === '*' || (input.host !== '' && sameHost(input.host, host!)),
  },
  HostSNIRegexp: { arity: 1, make: httpMatchers.HostRegexp!.make },
};

/**
 * Reads a rule in Traefik's grammar, of which it takes what is used and no more: matchers with values in backquotes,
 * `!`, `&&`, `||` and brackets. Throws for anything else.
 */
export function readRule(text: string, layer: 'http' | 'tcp'): Rule {
  const matchers = layer === 'http' ? httpMatchers : tcpMatchers;
  const used: { name: string; value: string }[] = [];
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`the rule ${text} has ${what} at ${at}`);
  };
  const skip = (): void => {
    while (text[at] === ' ') at += 1;
  };
  const take = (token: string): boolean => {
    skip();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  };
  type Test = (input: RuleInput) => boolean;
  const or = (): Test => {
    let left = and();
    while (take('||')) {
      const [one, other] = [left, and()];
      left = (input) => one(input) || other(input);
    }
    return left;
  };
  const and = (): Test => {
    let left = unary();
    while (take('&&')) {
      const [one, other] = [left, unary()];
      left = (input) => one(input) && other(input);
    }
    return left;
  };
  const unary = (): Test => {
    if (take('!')) {
      const inner = unary();
      return (input) => !inner(input);
    }
    if (take('(')) {
      const inner = or();
      return take(')') ? inner : fail('no closing bracket');
    }
    return call();
  };
  const call = (): Test => {
    skip();
    const name = /^[A-Za-z]+/.exec(text.slice(at))?.[0] ?? '';
    const matcher = Object.hasOwn(matchers, name) ? matchers[name]! : fail(`no matcher of ${layer}`);
    at += name.length;
    if (!take('(')) fail('no bracket behind the matcher');
    const values: string[] = [];
    do values.push(value());
    while (take(','));
    if (!take(')')) fail('no closing bracket');
    if (values.length !== matcher.arity) fail(`${values.length} values for ${name}`);
    for (const one of values) used.push({ name, value: one });
    return matcher.make(...values);
  };
  const value = (): string => {
    if (!take('`')) fail('no value in backquotes');
    const end = text.indexOf('`', at);
    if (end < 0) fail('an open backquote');
    const found = text.slice(at, end);
    at = end + 1;
    return found;
  };
  const holds = or();
  skip();
  if (at !== text.length) fail('more than a rule');
  return { holds, values: (name) => used.filter((one) => one.name === name).map((one) => one.value) };
}
