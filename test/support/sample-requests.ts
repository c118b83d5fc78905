import { randomBytes } from 'node:crypto';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import type { Route } from '../../src/http/route.ts';

const nonce = (): string => encodeBase64url(randomBytes(16));
const id = (prefix: string): string => `${prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV`;
const digest = `sha256:${'a'.repeat(64)}`;
const mac = 'A'.repeat(43);
const trustJws = { payload: 'e30', signatures: [{ protected: 'e30', signature: 'AA' }] };
const order = (target: string) => ({ action: 'guest.start', target, params: {} });

/** The SHA-256 of what is uploaded here: the text `{}`. */
export const sampleBlob = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';

/** A well-formed body of each route that takes one, about one object. Routes without one are not here. */
const bodies: Readonly<Record<string, (object: string) => unknown>> = {
  'POST /v1/plans': (object) => ({ order: order(object) }),
  'POST /v1/commands': (object) => ({ order: order(object), intent: 'e30', authorisation: 'a.b.c' }),
  'POST /v1/commands/{id}/approval': () => ({ authorisation: 'a.b.c' }),
  'PUT /v1/house': () => ({ v: 1, hosts: {} }),
  'POST /v1/trust': () => ({ versions: [trustJws] }),
  'POST /v1/setup': () => ({ trust: trustJws, house: { v: 1, hosts: {} }, mac }),
  'POST /v1/tokens': () => ({ name: 'phone', scope: ['status'] }),
  'POST /v1/blobs/missing': () => ({ digests: [digest] }),
  'PUT /v1/blobs/{sha256}': () => ({}),
  'POST /v1/releases': () => ({ order: 'e30', authorisation: 'a.b.c' }),
  'POST /v1/relay/poll': () => ({
    protocol: 1,
    session: nonce(),
    poll: 1,
    seen: 0,
    trust_version: 1,
    receipts: { seq: 0, hash: digest },
    wait_ms: 0,
  }),
  'POST /v1/relay/receipts': () => ({ receipts: ['a.b.c'] }),
  'POST /v1/relay/reports': () => ({ report: 'a.b.c' }),
  'POST /v1/relay/times': () => ({ times: ['a.b.c'] }),
  'POST /v1/relay/enroll': () => ({ statement: 'e30', controller_mac: mac, owner_mac: mac }),
  'POST /v1/relays/codes': () => ({ code: id('enr'), relay: 'pve3', controller_key: mac, expires: 1 }),
};

/** A request that fits a route's shapes, about an object of it: a host, guest, runbook, token or command. */
export function sampleRequest(route: Route, object: string): { method: string; url: string; body: string } {
  const url = route.path.replace(/\{[a-z0-9]+\}/g, object);
  const make = bodies[`${route.method} ${route.path}`];
  if (make === undefined && route.body !== undefined && route.bodyOptional !== true) {
    throw new Error(`test/support/sample-requests.ts has no body for ${route.method} ${route.path}`);
  }
  return { method: route.method, url, body: make === undefined ? '' : JSON.stringify(make(object)) };
}
