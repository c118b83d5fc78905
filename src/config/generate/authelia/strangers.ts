import type { Home } from '../../home.ts';
import type { Tell } from '../generator.ts';
import { isBelow, priorityOf } from '../traefik/rules.ts';
import type { Entry } from './entry.ts';

/**
 * Authelia knows no proxies: a wildcard of one proxy comes before the rule of another one's route where a name below both
 * leads to the other, for DNS has the name itself. Without a word, those who may pass the one would pass the other.
 */
export function judgeStrangers(home: Home, entries: readonly Entry[], tell: Tell): void {
  const told = new Set<string>();
  for (const [index, first] of entries.entries()) {
    for (const then of entries.slice(index + 1)) {
      const { proxy } = then.route;
      if (first.route.proxy === proxy || first.verdict.text === then.verdict.text) continue;
      // Of whom nobody asks who they are Authelia does not hear.
      if (then.verdict.policy === 'bypass') continue;
      const name = home.routes
        .filter((route) => route.proxy === proxy)
        .flatMap(({ hosts }) => hosts)
        .find((host) => covers(first, host) && covers(then, host) && !isTaken(home, host, then));
      const key = `${first.route.app} ${then.route.app}`;
      if (name === undefined || told.has(key)) continue;
      told.add(key);
      tell({
        severity: 'error',
        code: 'access_unclear',
        message: `${name} leads to ${then.route.app} on ${proxy}, and Authelia takes it for the wildcard of ${first.route.app} on ${first.route.proxy}, which different people may pass`,
        suggestion: 'Give one of them names that are not below the other’s.',
        place: first.route.place,
      });
    }
  }
}

const covers = ({ hosts }: Entry, name: string): boolean =>
  hosts.some((host) => host === name || isBelow(name, host));

/** Whether another route of the name has every request before this one is tried. */
const isTaken = (home: Home, name: string, { route, priority }: Entry): boolean =>
  home.routes.some(
    (one) =>
      one !== route &&
      one.proxy === route.proxy &&
      one.hosts.includes(name) &&
      one.when === undefined &&
      priorityOf([name], undefined, one.priority) > priority,
  );
