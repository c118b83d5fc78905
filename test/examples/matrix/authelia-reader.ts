import { parse } from 'yaml';
import { isIn } from './addresses.ts';

/**
 * Authelia's access control, as its documentation and sources of 4.39 have it: the first rule decides whose domain,
 * resources, methods, networks and subject all fit. Throws for what it does not read.
 */
export type AutheliaReader = { decide(request: AutheliaRequest): Decision };

export type AutheliaRequest = {
  readonly domain: string;
  /** With the query behind it, if any. */
  readonly path: string;
  readonly method: string;
  /** As the proxies tell it. */
  readonly address: string;
  /** Nobody's where it is undefined. */
  readonly groups: readonly string[] | undefined;
};

export type Decision = {
  readonly policy: Policy;
  /** `asked` is sent to sign in; `in` supposes that somebody who signed in gave two factors. */
  readonly outcome: 'in' | 'asked' | 'denied';
};
type Policy = 'bypass' | 'one_factor' | 'two_factor' | 'deny';

type Rule = {
  readonly domain?: string | string[];
  readonly domain_regex?: string | string[];
  readonly policy: Policy;
  readonly subject?: string | (string | string[])[];
  readonly networks?: string | string[];
  readonly methods?: string | string[];
  readonly resources?: string | string[];
};
const known = ['domain', 'domain_regex', 'policy', 'subject', 'networks', 'methods', 'resources'];

const many = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** @param text a file that holds `access_control`, with whatever else beside it */
export function readAuthelia(text: string): AutheliaReader {
  const { default_policy = 'deny', networks = [], rules = [] } = accessControlOf(text);
  const named = new Map(networks.map(({ name, networks: list }) => [name, many(list)]));
  for (const rule of rules) {
    const strange = Object.keys(rule).filter((key) => !known.includes(key));
    if (strange.length > 0) throw new Error(`Authelia: ${strange.join()} of a rule is not read here`);
    if (rule.domain === undefined && rule.domain_regex === undefined)
      throw new Error('Authelia: a rule has no domain');
    if (rule.policy === 'bypass' && rule.subject !== undefined)
      throw new Error('Authelia: a rule of policy bypass has a subject');
  }
  const fits = (rule: Rule, { domain, path, method, address, groups }: AutheliaRequest): boolean => {
    const [domains, expressions] = [many(rule.domain), many(rule.domain_regex)];
    const [resources, methods, ranges] = [many(rule.resources), many(rule.methods), many(rule.networks)];
    const isNamed =
      domains.some((one) =>
        one.startsWith('*.') ? domain.endsWith(one.slice(1).toLowerCase()) : one.toLowerCase() === domain,
      ) || expressions.some((one) => new RegExp(one).test(domain));
    return (
      isNamed &&
      (resources.length === 0 || resources.some((one) => new RegExp(one).test(path))) &&
      (methods.length === 0 || methods.includes(method)) &&
      (ranges.length === 0 ||
        ranges.some((one) => (named.get(one) ?? [one]).some((network) => isIn(address, network)))) &&
      // Somebody unknown may turn out to be anybody.
      (groups === undefined || hasSubject(rule, groups))
    );
  };
  return {
    decide(request) {
      const rule = rules.find((one) => fits(one, request));
      const policy = rule?.policy ?? default_policy;
      const isUnknown = request.groups === undefined;
      if (policy === 'bypass') return { policy, outcome: 'in' };
      if (policy === 'deny')
        return { policy, outcome: isUnknown && many<unknown>(rule?.subject).length > 0 ? 'asked' : 'denied' };
      return { policy, outcome: isUnknown ? 'asked' : 'in' };
    },
  };
}

/** Of subjects one must fit; of one that is a list, all of it. */
function hasSubject({ subject }: Rule, groups: readonly string[]): boolean {
  const subjects = many<string | string[]>(subject);
  return (
    subjects.length === 0 ||
    subjects.some((one) =>
      many(one).every((word) => {
        const group = /^group:(.+)$/.exec(word)?.[1];
        if (group === undefined && !word.startsWith('user:'))
          throw new Error(`Authelia: the subject ${word} is not read here`);
        return group !== undefined && groups.includes(group);
      }),
    )
  );
}

type AccessControl = {
  readonly default_policy?: Policy;
  readonly networks?: readonly { readonly name: string; readonly networks: string | string[] }[];
  readonly rules?: readonly Rule[];
};

/** That section alone, for the rest of the file may hold Authelia's own templates, which are no YAML. */
function accessControlOf(text: string): AccessControl {
  const lines = text.split('\n');
  const first = lines.indexOf('access_control:');
  if (first < 0) throw new Error('Authelia: the file has no access_control');
  const length = lines.slice(first + 1).findIndex((line) => /^[^\s#]/.test(line));
  const section = lines.slice(first, length < 0 ? undefined : first + 1 + length).join('\n');
  return (parse(section) as { access_control: AccessControl }).access_control;
}
