import type { Origin } from '../../schema/trust/document.ts';
import { createHttpsClient } from '../drivers/https-client.ts';

const timeoutMs = 5_000;

/**
 * Whether an origin answers as the API does now. Over a connection of its own: one that is open already would pass a
 * firewall or a proxy that lets no new one through.
 */
export async function askOrigin(origin: Origin, signal: AbortSignal): Promise<boolean> {
  const client = createHttpsClient({
    ...(origin.spki !== undefined && { pin: origin.spki }),
    // The trust document's schema allows plain HTTP on loopback alone.
    allowHttp: origin.url.startsWith('http://'),
    connectTimeoutMs: timeoutMs,
  });
  try {
    const answer = await client.request({
      method: 'GET',
      url: `${origin.url}/healthz`,
      timeoutMs,
      maxBytes: 64,
      reuse: false,
      signal,
    });
    return answer.ok && answer.status === 200 && answer.body.toString() === 'ok\n';
  } finally {
    client.close();
  }
}
