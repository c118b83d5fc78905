import { parse } from 'yaml';

/**
 * Who may pass by Authelia's access_control, without Authelia. Written from its sources of 4.38 and 4.39, and not from our
 * generator: the first rule that fits decides; whoever has not signed in fits every subject.
 */
export type AutheliaRequest = {
  readonly host: string;
  /** With its query. */
  readonly path?: string;
  readonly method?: string;
  /** Groups of who has signed in; absent: nobody has. */
  readonly groups?: readonly string[];
  readonly address?: string;
};

type Rule = {
  readonly domain?: readonly string[];
  readonly domain_regex?: readonly string[];
  readonly policy: string;
  readonly subject?: readonly (readonly string[])[];
  readonly networks?: readonly string[];
  readonly methods?: readonly string[];
  readonly resources?: readonly string[];
};

const known = ['domain', 'domain_regex', 'policy', 'subject', 'networks', 'methods', 'resources'];

/** @param text a file with `access_control`; what our generator never says is refused here */
export function readAuthelia(text: string): { decide(request: AutheliaRequest): string } {
  const { access_control: control } = parse(text) as {
    access_control: { default_policy: string; rules: readonly Rule[] };
  };
  for (const rule of control.rules) {
    const strange = Object.keys(rule).filter((key) => !known.includes(key));
    if (strange.length > 0) throw new Error(`Authelia's rules have no ${strange.join(', ')} here`);
    if (rule.policy === 'bypass' && rule.subject !== undefined) throw new Error('bypass has no subject');
  }
  const fits = (rule: Rule, request: AutheliaRequest): boolean => {
    const { host, path = '/', method = 'GET', groups, address = '192.0.2.1' } = request;
    const { domain = [], domain_regex: like = [], subject, networks, methods, resources } = rule;
    return (
      (domain.some((one) =>
        one.startsWith('*.') ? host.endsWith(one.slice(1)) : one === host.toLowerCase(),
      ) ||
        like.some((one) => expression(one).test(host))) &&
      (resources ?? ['']).some((one) => expression(one).test(seenPath(path))) &&
      (methods === undefined || methods.includes(method)) &&
      (networks === undefined || networks.some((one) => contains(one, address))) &&
      (subject === undefined ||
        groups === undefined ||
        subject.some((all) => all.every((one) => groups.includes(one.replace('group:', '')))))
    );
  };
  return {
    decide: (request) => control.rules.find((rule) => fits(rule, request))?.policy ?? control.default_policy,
  };
}

/** Go writes flags where JavaScript does not. */
const expression = (text: string): RegExp =>
  text.includes('(?i)') ? new RegExp(text.replaceAll('(?i)', ''), 'i') : new RegExp(text);

/** The path decoded and without `..`, and the query as it is. */
function seenPath(path: string): string {
  const [, before = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(path)!;
  const parts: string[] = [];
  for (const part of decodeURIComponent(before).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const slash = before.length > 1 && before.endsWith('/') && parts.length > 0 ? '/' : '';
  return `/${parts.join('/')}${slash}${query === undefined || query === '' ? '' : `?${query}`}`;
}

function contains(network: string, address: string): boolean {
  const [base, bits = '32'] = network.split('/');
  const numberOf = (text: string): number =>
    text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(numberOf(base!) / size) === Math.floor(numberOf(address) / size);
}
