// Many relays that only poll, in one process: what is measured is the control plane that parks them.
// Reads the home as one JSON line from its input, says "parked", and ends with its input.

import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { createLink } from '../../relay/agent/link.ts';
import { createLog } from '../../relay/log.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { importSigningKey, type SecretJwk } from '../../schema/jose/keys.ts';
import { pollWaitMs } from '../../schema/wire/limits.ts';
import { pollAnswerSchema } from '../../schema/wire/relay-api.ts';
import { protocolVersion } from '../../schema/wire/version.ts';

export type ParkedHome = {
  readonly home: string;
  readonly origin: { readonly url: string; readonly spki?: string | undefined };
  readonly trustVersion: number;
  readonly keys: readonly SecretJwk[];
};

const lines = createInterface({ input: process.stdin });
const first = await new Promise<string>((resolve) => lines.once('line', resolve));
const home = JSON.parse(first) as ParkedHome;
const log = createLog({ now: Date.now, write: () => {} });
const nonce = (): string => encodeBase64url(randomBytes(16));
const emptyHash = await digestOf('receipt', '');
const clock = { now: Date.now, uptimeMs: () => performance.now() };
/** So many connect at a time. */
const atOnce = 32;

async function pollForEver(secret: SecretJwk, settled: () => void): Promise<void> {
  const key = await importSigningKey(secret);
  if (!key.ok) throw new Error('a key of the bench is malformed');
  const link = createLink({
    home: home.home,
    key: key.value,
    origins: () => [home.origin],
    clock,
    nonce,
    log,
  });
  const session = nonce();
  for (let poll = 1; ; poll += 1) {
    const answer = await link.call({
      method: 'POST',
      path: '/v1/relay/poll',
      body: () => ({
        protocol: protocolVersion,
        session,
        poll,
        seen: 0,
        trust_version: home.trustVersion,
        receipts: { seq: 0, hash: emptyHash },
        wait_ms: poll === 1 ? 0 : pollWaitMs,
      }),
      schema: pollAnswerSchema,
      timeoutMs: pollWaitMs + 60_000,
    });
    if (!answer.ok) throw new Error(`a poll failed: ${answer.detail}`);
    if (poll === 1) settled();
  }
}

let next = 0;
const begin = async (): Promise<void> => {
  for (let index = next++; index < home.keys.length; index = next++) {
    await new Promise<void>((resolve, reject) => {
      pollForEver(home.keys[index]!, resolve).catch((error: unknown) => {
        reject(error);
        console.error(error);
        process.exit(1);
      });
    });
  }
};
await Promise.all(Array.from({ length: atOnce }, begin));
process.stdout.write('parked\n');
lines.on('close', () => process.exit(0));
