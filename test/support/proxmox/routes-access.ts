import type { Route } from './route.ts';

/** What a relay's token asks of itself, and what it must never be let do: without their parameters they do nothing. */
export const accessRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/access/permissions',
    handle: ({ privileges }) =>
      Object.fromEntries(
        Object.entries(privileges).map(([path, held]) => [
          path,
          Object.fromEntries(held.map((one) => [one, 1])),
        ]),
      ),
  },
  {
    method: 'POST',
    path: '/storage',
    needs: { on: '/storage', anyOf: ['Datastore.Allocate'] },
    required: ['storage', 'type'],
    handle: () => null,
  },
  {
    method: 'POST',
    path: '/access/roles',
    needs: { on: '/access', anyOf: ['Sys.Modify'] },
    required: ['roleid'],
    handle: () => null,
  },
  { method: 'GET', path: '/cluster/backup', needs: { on: '/', anyOf: ['Sys.Audit'] }, handle: () => [] },
  {
    method: 'GET',
    path: '/nodes/{node}/syslog',
    needs: { on: '/nodes/{node}', anyOf: ['Sys.Syslog'] },
    handle: () => [],
  },
];
