import { actionOf } from '../../schema/actions/index.ts';
import type { House } from '../../schema/trust/document.ts';
import { readLimit, type TrustGrant } from '../../schema/trust/grant.ts';
import { releaseAction } from '../../schema/wire/release-order.ts';
import { listed } from './text.ts';

/** Which machines are whole hosts. */
export type Hosts = Pick<House, 'hosts'>;

/** What whoever may release to a host is there. */
export const rootWords = 'root on this machine';

/** What a grant allows: `wake pve2, at most 6 times in an hour`. Of a release, each host is told by itself. */
export function grantInWords(grant: TrustGrant, { hosts }: Hosts): string[] {
  const { action, on, limit, paths } = grant;
  const known = actionOf(action);
  const often = limit === undefined ? '' : `, ${limitInWords(limit)}`;
  const where = paths === undefined ? '' : pathsInWords(paths);
  if (known === undefined) {
    return [`${action} on ${listed(on)}${where}${often}: an action that this version does not know`];
  }
  if (action !== releaseAction) {
    const inUse = known.type.endsWith('-in-use') ? ' even while in use' : '';
    // Of hosts and guests the words are the same, and no relay does to one what is done to the other.
    const isIdle = on.some((target) => known.on === (Object.hasOwn(hosts, target) ? 'guest' : 'host'));
    const idle = isIdle ? ` (as ${known.on}s, which not all of them are)` : '';
    return [`${known.verb}${inUse} ${listed(on)}${where}${often}${idle}`];
  }
  const guests = on.filter((target) => !Object.hasOwn(hosts, target));
  const touching = paths === undefined || paths.length === 0 ? ', which may touch no path' : where;
  const words = (targets: readonly string[]): string =>
    `apply releases to ${listed(targets)}${touching}${often}`;
  return [
    ...(guests.length > 0 ? [words(guests)] : []),
    ...on.filter((target) => Object.hasOwn(hosts, target)).map((host) => `${words([host])}; ${rootWords}`),
  ];
}

/** ` under /etc/opt and /srv, and at /etc/motd`: `under` is what ends in `**`, as it is granted whole; all of it is `/`. */
function pathsInWords(paths: readonly string[]): string {
  const isTree = (path: string): boolean => path.endsWith('/**') && path.indexOf('*') === path.length - 2;
  const trees = paths.filter(isTree).map((path) => path.slice(0, -3) || '/');
  const others = paths.filter((path) => !isTree(path));
  return [
    ...(trees.length > 0 ? [` under ${listed(trees)}`] : []),
    ...(others.length > 0 ? [` at ${listed(others)}`] : []),
  ].join(', and');
}

function limitInWords(limit: string): string {
  const { count, windowMs } = readLimit(limit);
  const minutes = windowMs / 60_000;
  const window =
    minutes % 1440 === 0
      ? `${minutes / 1440} days`
      : minutes % 60 === 0
        ? `${minutes / 60} hours`
        : `${minutes} minutes`;
  return `at most ${count} times in ${window.replace(/^1 (\w+)s$/, 'a $1').replace('a hour', 'an hour')}`;
}
