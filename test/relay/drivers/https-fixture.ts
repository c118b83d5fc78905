import type { TestContext } from 'node:test';
import { createHttpsClient, type HttpsClientOptions } from '../../../relay/drivers/https-client.ts';
import { type RawAnswer, startRawStub } from '../../support/proxmox/raw-stub.ts';

/** Generous for a loopback, so that a test which reaches them has failed. */
export const limits = { timeoutMs: 30_000, maxBytes: 1_000 };

/** A client pinned to a server that answers literally. */
export async function setUpClient(
  t: TestContext,
  answer: (request: string) => RawAnswer,
  options: HttpsClientOptions = {},
) {
  const stub = await startRawStub(answer);
  const client = createHttpsClient({ pin: stub.pins.spki, ...options });
  t.after(() => {
    client.close();
    return stub.close();
  });
  const get = (more: Partial<Parameters<typeof client.request>[0]> = {}) =>
    client.request({ method: 'GET', url: `${stub.url}/x`, ...limits, ...more });
  return { stub, client, get };
}
