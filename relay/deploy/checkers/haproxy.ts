import { type Checker, hasService, unlessFailed } from './checker.ts';

const config = '/etc/haproxy/haproxy.cfg';

/** `haproxy -c` reads maps, error pages and certificates, too: whatever changes in its folder is judged with it. */
export const haproxy: Checker = {
  name: 'HAProxy',
  calls: ({ part, changed }) =>
    hasService(part, 'haproxy.service') &&
    part.files.some(({ path }) => path === config) &&
    changed.some((path) => path.startsWith('/etc/haproxy/'))
      ? [['haproxy', '-c', '-f', config]]
      : [],
  judge: unlessFailed('haproxy -c'),
  missing: null,
};
