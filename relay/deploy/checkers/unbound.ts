import { type Checker, hasService, unlessFailed } from './checker.ts';

/** With a broken configuration, Unbound ends when it is told to reload. It is named whole: a relative path is not found. */
export const unbound: Checker = {
  name: 'Unbound',
  calls: ({ part, changed }) =>
    hasService(part, 'unbound.service') && changed.some((path) => path.startsWith('/etc/unbound/'))
      ? [['unbound-checkconf', '/etc/unbound/unbound.conf']]
      : [],
  judge(ran) {
    // Debian's unit makes this file before each start: it lacks where Unbound has never run, and the syntax is judged before.
    if (/auto-trust-anchor-file: .* does not exist/.test(ran.said)) return null;
    return unlessFailed('unbound-checkconf')(ran);
  },
  missing: null,
};
