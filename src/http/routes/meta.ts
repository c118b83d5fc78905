import * as v from 'valibot';
import { formatMetrics } from '../metrics.ts';
import { defineRoute, problem, type Reply, type Route } from '../route.ts';

const open = { method: 'GET', tag: 'About', authority: 'anyone', permission: () => 'anyone' } as const;

const reply = (type: string, text: string): Reply => ({ kind: 'text', status: 200, type, text });
const shared = (type: string, bytes: Uint8Array<ArrayBuffer>): Reply => ({ kind: 'bytes', type, bytes });
const pageType = 'text/html; charset=utf-8';

/** Routes about the API itself. */
export const metaRoutes: readonly Route[] = [
  defineRoute({
    ...open,
    path: '/healthz',
    summary: 'Whether the control plane works',
    answers: {
      200: { description: 'It does.', types: ['text/plain'] },
      503: { description: 'It does not.', types: ['text/plain'] },
    },
    handle: async (_, { control }) => {
      const healthy = await control.upkeep.healthy().catch(() => false);
      const text = healthy ? 'ok\n' : 'not ok\n';
      return { kind: 'text', status: healthy ? 200 : 503, type: 'text/plain; charset=utf-8', text };
    },
  }),
  defineRoute({
    ...open,
    path: '/v1/openapi.json',
    summary: 'This API as OpenAPI 3.1',
    answers: { 200: { description: 'The document.', schema: v.looseObject({ openapi: v.string() }) } },
    handle: async (_, { documents }) => shared('application/json', await documents('openapi.json')),
  }),
  defineRoute({
    ...open,
    path: '/docs',
    summary: 'This API as a page',
    answers: { 200: { description: 'The page.', types: ['text/html'] } },
    handle: async (_, { documents }) => shared(pageType, await documents('reference.html')),
  }),
  defineRoute({
    ...open,
    path: '/docs/errors',
    summary: 'What every code means and what to do',
    answers: { 200: { description: 'The page.', types: ['text/html'] } },
    handle: async (_, { documents }) => shared(pageType, await documents('errors.html')),
  }),
  defineRoute({
    ...open,
    path: '/install/writ-relay.deb',
    summary: 'The Debian package of the relay',
    description: 'Hosts compare it with the digest that the owner’s own program gave them.',
    answers: {
      200: { description: 'The package.', types: ['application/vnd.debian.binary-package'] },
      404: { description: 'This control plane has none.' },
    },
    handle: async (_, { relayPackage }) => {
      const bytes = (await relayPackage?.()) ?? null;
      return bytes === null
        ? problem({ reason: 'package_missing' })
        : { kind: 'bytes', type: 'application/vnd.debian.binary-package', bytes };
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/metrics',
    tag: 'About',
    summary: 'Metrics for Prometheus',
    authority: 'reader',
    permission: () => 'status',
    answers: { 200: { description: 'Metrics in text format 0.0.4.', types: ['text/plain'] } },
    handle: async (_, { control, now }) =>
      reply('text/plain; version=0.0.4; charset=utf-8', formatMetrics(await control.upkeep.metrics(), now())),
  }),
];
