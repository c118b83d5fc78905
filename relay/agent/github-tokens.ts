import { createGithubKeys, maxJwksBytes } from '../../schema/github/keys.ts';
import { looksLikeGithub } from '../../schema/github/token.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { ok, refuse } from '../../schema/result.ts';
import type { GithubView } from '../../schema/trust/verify-order.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';
import type { Clock } from './clock.ts';
import { createFirstSights } from './first-sights.ts';

/** With what this relay verifies tokens of GitHub's, and when it first met each. */
export type GithubTokens = Omit<GithubView, 'now'> & {
  /** Notes that what authorises an order is there now, where it looks like a token. It was not verified yet. */
  noteText(text: string): Promise<void>;
  close(): void;
};

const fetchMs = 10_000;

/** @param fetchMs how long an issuer has for its whole answer */
export function createGithubTokens(deps: {
  readonly clock: Pick<Clock, 'now' | 'uptimeMs' | 'synchronised'>;
  readonly log: Pick<Log, 'warn'>;
  readonly fetchMs?: number;
}): GithubTokens {
  const { clock, log } = deps;
  // The system's certificate authorities; plain HTTP on loopback alone, as trust's schema has it.
  const client = createHttpsClient({ allowHttp: true, maxSockets: 2 });
  const met = createFirstSights({ clock });
  return {
    keys: createGithubKeys({
      uptimeMs: () => clock.uptimeMs(),
      warn: (code, fields) => log.warn(code, fields),
      async load(url) {
        const answer = await client.request({
          method: 'GET',
          url,
          timeoutMs: deps.fetchMs ?? fetchMs,
          maxBytes: maxJwksBytes,
        });
        if (answer.ok && answer.status === 200) return ok(new Uint8Array(answer.body));
        return refuse('github_keys_unreachable', answer.ok ? `status ${answer.status}` : answer.reason);
      },
    }),
    seenAt: (token) => met.at(token),
    async noteText(text) {
      if (looksLikeGithub(text)) await met.note([await digestBytes(toBytes(text))]);
    },
    close: () => client.close(),
  };
}
