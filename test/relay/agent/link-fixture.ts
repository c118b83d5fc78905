import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'node:test';
import { createLink, type Link } from '../../../relay/agent/link.ts';
import { createLog } from '../../../relay/log.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { Origin } from '../../../schema/trust/document.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { testNonce } from '../../support/relay-home.ts';

export const linkHome = 'h_01K742SG00SQX0DZWKAFEREGGJ';
const toClose: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

export type TestOrigin = Origin & { readonly hits: string[]; answer: RequestListener };

/** Answers as the API does. */
export const answerJson =
  (body: unknown): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));

/** A server with a pinned certificate, until the test's end. */
export async function originOf(answer: RequestListener): Promise<TestOrigin> {
  const certificate = await makeServerCertificate('origin');
  const hits: string[] = [];
  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (request, response) => {
    hits.push(request.url ?? '');
    origin.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const origin: TestOrigin = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spki: certificate.pins.spki,
    hits,
    answer,
  };
  return origin;
}

/** A link with a key of its own, until the test's end. */
export async function linkTo(origins: readonly Origin[]): Promise<{
  link: Link;
  kid: string;
  key: Awaited<ReturnType<typeof generateKey>>;
  time: { uptime: number };
  origins: Origin[];
}> {
  const key = await generateKey();
  const time = { uptime: 0 };
  const list = origins.map(({ url, spki }) => ({ url, ...(spki !== undefined && { spki }) }));
  const link = createLink({
    home: linkHome,
    key: key.signing,
    origins: () => list,
    clock: { now: () => Date.now(), uptimeMs: () => time.uptime },
    nonce: testNonce,
    log: createLog({ now: Date.now, write: () => {} }),
    retryFirstMs: 1_000,
  });
  toClose.push(() => link.close());
  return { link, kid: key.signing.kid, key, time, origins: list };
}
