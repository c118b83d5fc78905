import { own } from '../../../../schema/wire/record.ts';
import { unlessMachine } from '../../broken.ts';
import type { Home, HomeAccess, Route } from '../../home.ts';
import { byText } from '../../repo.ts';
import type { Tell } from '../generator.ts';
import { mergeOver } from '../shared/merge.ts';
import { rangeOf } from '../shared/ranges.ts';
import { isTcp } from '../traefik/access.ts';
import { groups } from '../traefik/routers.ts';
import { conditionsRule, excludeEachOther, overlap, priorityOf } from '../traefik/rules.ts';
import type { Entry, Native, Verdict } from './entry.ts';
import type { AutheliaOptions } from './options.ts';
import { resourceOf } from './resources.ts';
import { judgeStrangers } from './strangers.ts';

/**
 * Authelia's rules. The first that fits decides, and one whose people or networks do not fit is passed over: so what must
 * not fall to a wider rule has a refusal behind it.
 */
export function makeRules(home: Home, options: AutheliaOptions, tell: Tell): Native {
  const entries = entriesOf(home, tell);
  judgeConditions(entries, options, tell);
  judgeStrangers(home, entries, tell);
  const isClosed = options.rules_after.length === 0 && options.extra.default_policy === undefined;
  const rules = entries.flatMap((entry, index): Native[] => {
    const { hosts, verdict, seen } = entry;
    const { policy, subject, networks } = verdict;
    const isPartial = subject.length > 0 || networks.length > 0;
    const later = entries.slice(index + 1);
    const isFollowed = !isClosed || later.some((other) => differ(entry, other) && meet(entry, other));
    const rule = {
      ...domainsOf(hosts),
      policy,
      ...(subject.length > 0 && { subject }),
      ...(networks.length > 0 && { networks }),
      ...seen,
    };
    return isPartial && isFollowed ? [rule, { ...domainsOf(hosts), policy: 'deny', ...seen }] : [rule];
  });
  const all = [...options.rules_before, ...rules, ...options.rules_after];
  // Without any rule Authelia does not start.
  const shut = { ...domainsOf([home.site.domain, `*.${home.site.domain}`]), policy: 'deny' };
  const tree = { default_policy: 'deny', rules: all.length === 0 ? [shut] : all };
  return { access_control: mergeOver(tree, options.extra) };
}

/**
 * Hosts as rules have them. Authelia holds what it was asked for against a wildcard letter by letter, and proxies hand on
 * what was typed: `A.EXAMPLE.NET` would fall to the next rule. Expressions can be told that case is no matter.
 */
function domainsOf(hosts: readonly string[]): {
  domain?: readonly string[];
  domain_regex?: readonly string[];
} {
  const whole = hosts.filter((host) => !host.startsWith('*.'));
  const wild = hosts.filter((host) => host.startsWith('*.'));
  const below = (host: string): string => `(?i)^.+${host.slice(1).replaceAll('.', '\\.')}$`;
  return {
    ...(whole.length > 0 && { domain: whole }),
    ...(wild.length > 0 && { domain_regex: wild.map(below) }),
  };
}

/** Routes without an access are passed without asking. */
function entriesOf(home: Home, tell: Tell): Entry[] {
  const told = new Set<string>();
  const entries = home.routes.flatMap((route): Entry[] => {
    const access = route.access === undefined ? undefined : own(home.access, route.access);
    if (access === undefined || isTcp(route)) return [];
    const verdict = verdictOf(home, access, (message, unless = []) => {
      const suggestion = 'Say in homelab.yaml who it is that may pass.';
      if (!told.has(message))
        tell({ severity: 'error', code: 'access_unclear', message, suggestion, place: route.place, unless });
      told.add(message);
    });
    if (verdict === null) return [];
    const { seen, hidden, faults } = conditionsOf(route);
    // What asks nobody needs no rule: without one Authelia refuses, were it asked.
    if (verdict.policy === 'bypass' && (hidden || faults.length > 0)) return [];
    for (const fault of faults) {
      tell({
        severity: 'error',
        code: 'access_unclear',
        message: `${route.app}: Authelia cannot be told who may pass: ${fault}`,
        suggestion: 'Give what has an access of its own a name of its own.',
        place: route.place,
      });
    }
    return groups(route.hosts).map((hosts) => {
      const priority = priorityOf(hosts, route.when, route.priority);
      return { route, hosts, priority, verdict, seen, hidden };
    });
  });
  return entries.sort((a, b) => b.priority - a.priority);
}

function verdictOf(
  home: Home,
  { name, policy, groups: among, from }: HomeAccess,
  say: (message: string, unless?: readonly string[]) => void,
): Verdict | null {
  if (policy === 'bypass' && among.length > 0) {
    say(`the access ${name} asks nobody who they are, and is for ${among.join(' and ')} alone`);
    return null;
  }
  const ranges = from.map((one) => rangeOf(home, one));
  const lost = from.filter((_, index) => ranges[index] === undefined);
  if (lost.length > 0) {
    const unless = lost.flatMap((one) => [...unlessMachine(one), 'homelab.networks', `${one}.address`]);
    say(`the access ${name} holds from ${lost.join(' and ')}, of which no address is known`, unless);
    return null;
  }
  // Refused is everybody: those of other groups and networks would fall to the next rule.
  const subject = policy === 'deny' ? [] : among.map((group) => [`group:${group}`]);
  const networks = policy === 'deny' ? [] : [...new Set(ranges as string[])].sort(byText);
  return { policy, subject, networks, text: JSON.stringify([policy, [...among].sort(byText), networks]) };
}

function conditionsOf({ when }: Route): Pick<Entry, 'seen' | 'hidden'> & { readonly faults: string[] } {
  const faults = [...conditionsRule(when).faults];
  const resources = (when?.path ?? []).flatMap((path) => {
    const one = resourceOf(path);
    if ('text' in one) return [one.text];
    faults.push(one.fault);
    return [];
  });
  const methods = [...new Set(when?.method ?? [])];
  const hidden = Object.keys(when?.header ?? {}).length > 0 || (when?.not_path ?? []).length > 0;
  const seen = { ...(methods.length > 0 && { methods }), ...(resources.length > 0 && { resources }) };
  return { seen, hidden, faults: [...new Set(faults)] };
}

const differ = (a: Entry, b: Entry): boolean => a.verdict.text !== b.verdict.text;

/** Whether some request fits both. */
const meet = (a: Entry, b: Entry): boolean =>
  a.hosts.some((host) => b.hosts.some((other) => overlap(host, other))) &&
  !excludeEachOther(a.route.when, b.route.when);

/** Pairs of routes of which Authelia would take one for the other. */
function judgeConditions(entries: readonly Entry[], options: AutheliaOptions, tell: Tell): void {
  const told = new Set<string>();
  for (const [index, first] of entries.entries()) {
    for (const then of entries.slice(index + 1)) {
      if (first.route === then.route || !differ(first, then) || !meet(first, then)) continue;
      const asksNobody = [first, then].some(({ verdict }) => verdict.policy === 'bypass');
      const names = `${first.route.app} and ${then.route.app}`;
      const where = first.hosts.find((host) => then.hosts.some((other) => overlap(host, other)))!;
      const say = (severity: 'error' | 'warning', message: string, suggestion: string): void => {
        if (told.has(message)) return;
        told.add(message);
        const code = severity === 'error' ? 'access_unclear' : 'access_by_path';
        tell({ severity, code, message, suggestion, place: first.route.place });
      };
      if (first.priority === then.priority) {
        const message = `${names} are equally good for some requests at ${where}, and different people may pass them`;
        say('error', message, 'Give one of the routes a priority.');
      } else if (first.hidden && !asksNobody) {
        const message = `${names} share ${where}, and what tells them apart is a header or a path that is left out, which Authelia does not see; different people may pass them`;
        say('error', message, 'Give one of them a name of its own, or a path that the other has not.');
      } else if (!asksNobody && !options.encoded_paths_refused && hasPath(first, then)) {
        const message = `${names} share ${where} by their paths, and different people may pass them: a path with %2F in it is another one to Traefik than to Authelia, so that who may pass one of them may reach the other`;
        const suggestion =
          'Give one of them a name of its own; or let the entry points refuse encoded characters, and say so by the option encoded_paths_refused.';
        say('warning', message, suggestion);
      }
    }
  }
}

const hasPath = (...entries: readonly Entry[]): boolean =>
  entries.some(({ seen }) => seen.resources !== undefined);
