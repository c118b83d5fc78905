import { releaseAudience } from '../../../schema/github/audience.ts';
import type { GithubKeys } from '../../../schema/github/keys.ts';
import type { GithubPins } from '../../../schema/github/pins.ts';
import { type Digest, digestBytes, digestOf, toBytes } from '../../../schema/jose/digest.ts';
import { signJws } from '../../../schema/jose/jws.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { type GithubView, type SignedBytes, verifyOrder } from '../../../schema/trust/verify-order.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { ReleaseOrder } from '../../../schema/wire/release-order.ts';
import type { TimeAttestation } from '../../../schema/wire/time.ts';
import type { GithubClaims } from '../../support/github-issuer.ts';
import { makeTestHome, type TestHome, testDigest } from '../../support/relay-home.ts';
import { githubsKeys, goodToken, nowMs, pins } from '../github/fixture.ts';

export const dayMs = 24 * 60 * 60_000;

/** A home whose trust lets a workflow of GitHub release to websvcs, and makes pve1 a notary. */
export type GithubHome = {
  readonly home: TestHome;
  /** An order as the run of `goodClaims` makes it, and its bytes. */
  order(changes?: Partial<ReleaseOrder>): Promise<{ bytes: Uint8Array<ArrayBuffer>; digest: Digest }>;
  /** The token of the run, over an order. */
  token(digest: Digest, claims?: GithubClaims): string;
  attest(token: string, changes?: Partial<TimeAttestation>, by?: SigningKey): Promise<string>;
  /** `accepted`, or the reason why not. */
  say(signed: SignedBytes, view?: Partial<GithubView>, trust?: Trust): Promise<string>;
};

export async function openGithubHome(
  identities: Readonly<Record<string, Partial<GithubPins>>> = { deploys: {} },
) {
  const home = await makeTestHome({ origins: [{ url: 'https://writ.example.net' }] });
  const may = [{ action: 'release.apply', on: ['websvcs'], paths: ['/etc/opt/**'] }];
  await home.amend((document) => {
    const named = Object.entries(identities).map(([name, own]) => [
      name,
      { kind: 'github' as const, ...pins, ...own, may },
    ]);
    const { pve1 } = document.identities;
    if (pve1?.kind !== 'relay') throw new Error('pve1 is a relay');
    return {
      ...document,
      identities: {
        ...document.identities,
        ...Object.fromEntries(named),
        pve1: { ...pve1, attests: ['time'] as ['time'] },
      },
    };
  });
  const keys: GithubKeys = githubsKeys();
  const made: GithubHome = {
    home,
    async order(changes = {}) {
      const order: ReleaseOrder = {
        v: 1,
        home: home.id,
        release: testDigest('e'),
        commit: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
        order: { run_id: 9_000_000_001, run_attempt: 1, desk: 0 },
        issued_at: nowMs,
        parts: [{ relay: 'pve2', target: 'websvcs', digest: testDigest('a') }],
        ...changes,
      };
      const bytes = toBytes(canonicalJson(order));
      return { bytes, digest: await digestOf('release', bytes) };
    },
    token: (digest, claims = {}) => goodToken({ aud: releaseAudience(home.id, digest), ...claims }),
    attest: async (token, changes = {}, by = home.relays.pve1!.signing) => {
      const said = {
        home: home.id,
        token: await digestBytes(toBytes(token)),
        seen: nowMs,
        seq: 1,
        ...changes,
      };
      return signJws('time', said, by);
    },
    async say(signed, view = {}, trust = home.trust()) {
      const github = { keys, now: nowMs, seenAt: () => undefined, ...view };
      const verified = await verifyOrder(trust, signed, github);
      return verified.ok ? 'accepted' : verified.reason;
    },
  };
  return made;
}
