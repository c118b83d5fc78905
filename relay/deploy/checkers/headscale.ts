import { type Checker, hasService, unlessFailed } from './checker.ts';

const config = '/etc/headscale/config.yaml';
const isPolicy = (path: string): boolean => /^\/etc\/headscale\/[^/]*(policy|acl)[^/]*\.h?u?json$/.test(path);

/** A bad policy at its start is fatal to Headscale, and its configuration's test opens the database. */
export const headscale: Checker = {
  name: 'Headscale',
  calls({ part, changed }) {
    if (!hasService(part, 'headscale.service')) return [];
    const policies = part.files.map(({ path }) => path).filter(isPolicy);
    return [
      ...policies
        .filter((path) => changed.includes(path))
        .map((path) => ['headscale', 'policy', 'check', '--file', path] as const),
      ...(changed.includes(config) ? [['headscale', 'configtest', '--config', config] as const] : []),
    ];
  },
  scratch: ['/var/lib/headscale'],
  judge: unlessFailed('headscale'),
  missing: null,
};
