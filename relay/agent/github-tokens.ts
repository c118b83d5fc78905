import { createGithubKeys, maxJwksBytes } from '../../schema/github/keys.ts';
import { type Digest, digestBytes, toBytes } from '../../schema/jose/digest.ts';
import type { GithubView } from '../../schema/trust/verify-order.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';

/** With what this relay verifies tokens of GitHub's, and when it first met each. */
export type GithubTokens = Omit<GithubView, 'now'> & {
  /** Notes that a token is there now, unless it was noted before; gives when it first was. It was not looked at yet. */
  note(token: Digest): number;
  noteText(text: string): Promise<void>;
  close(): void;
};

const fetchMs = 10_000;
/** The oldest is forgotten: whoever orders for nothing gains that a late order needs a notary. */
const maxNoted = 1_000;

export function createGithubTokens(deps: {
  readonly clock: { now(): number; uptimeMs(): number };
  readonly log: Log;
}): GithubTokens {
  const { clock, log } = deps;
  // The system's certificate authorities; plain HTTP on loopback alone, as trust's schema has it.
  const client = createHttpsClient({ allowHttp: true, maxSockets: 2 });
  const noted = new Map<Digest, number>();
  const note = (token: Digest): number => {
    const known = noted.get(token);
    if (known !== undefined) return known;
    const [oldest] = noted.keys();
    if (noted.size >= maxNoted && oldest !== undefined) noted.delete(oldest);
    noted.set(token, clock.now());
    return clock.now();
  };
  return {
    keys: createGithubKeys({
      uptimeMs: () => clock.uptimeMs(),
      async load(url) {
        const answer = await client.request({
          method: 'GET',
          url,
          timeoutMs: fetchMs,
          maxBytes: maxJwksBytes,
        });
        if (answer.ok && answer.status === 200) return new Uint8Array(answer.body);
        log.warn('github_keys_unreachable', {
          url,
          reason: answer.ok ? `status ${answer.status}` : answer.reason,
        });
        return null;
      },
    }),
    seenAt: (token) => noted.get(token),
    note,
    noteText: async (text) => {
      note(await digestBytes(toBytes(text)));
    },
    close: () => client.close(),
  };
}
