import * as v from 'valibot';
import { toBytes } from '../../../schema/jose/digest.ts';
import { formatMetrics } from '../metrics.ts';
import { openApiOf } from '../openapi.ts';
import { errorsPage, referencePage } from '../reference.ts';
import { defineRoute, problem, type Reply, type Route } from '../route.ts';

const open = { method: 'GET', tag: 'About', authority: 'anyone', permission: () => 'anyone' } as const;

const reply = (type: string, text: string): Reply => ({ kind: 'text', status: 200, type, text });
const shared = (type: string, bytes: Bytes): Reply => ({ kind: 'bytes', type, bytes });
const pageType = 'text/html; charset=utf-8';

type Bytes = Uint8Array<ArrayBuffer>;

/** Makes a text once: the table does not change while a process runs, and anyone may ask for it. */
function once(make: (version: string) => string): (version: string | undefined) => Bytes {
  let made: Bytes | undefined;
  return (version) => {
    made ??= toBytes(make(version ?? '0'));
    return made;
  };
}

/** Routes about the API itself. `table` gives all routes, these included. */
export function metaRoutes(table: () => readonly Route[]): readonly Route[] {
  const openApi = once((version) => JSON.stringify(openApiOf(table(), version)));
  const reference = once((version) => referencePage(table(), version));
  const errors = once(() => errorsPage());
  return [
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
      handle: async (_, { version }) => shared('application/json', openApi(version)),
    }),
    defineRoute({
      ...open,
      path: '/docs',
      summary: 'This API as a page',
      answers: { 200: { description: 'The page.', types: ['text/html'] } },
      handle: async (_, { version }) => shared(pageType, reference(version)),
    }),
    defineRoute({
      ...open,
      path: '/docs/errors',
      summary: 'What every code means and what to do',
      answers: { 200: { description: 'The page.', types: ['text/html'] } },
      handle: async (_, { version }) => shared(pageType, errors(version)),
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
        reply(
          'text/plain; version=0.0.4; charset=utf-8',
          formatMetrics(await control.upkeep.metrics(), now()),
        ),
    }),
  ];
}
