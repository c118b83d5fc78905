import { type KeyObject, sign } from 'node:crypto';
import { createGithubKeys, type GithubKeys, jwksUrl } from '../../../schema/github/keys.ts';
import { type GithubPins, githubIssuer } from '../../../schema/github/pins.ts';
import type { TokenView } from '../../../schema/github/token.ts';
import { toBytes } from '../../../schema/jose/digest.ts';
import { ok, refuse } from '../../../schema/result.ts';
import {
  type GithubClaims,
  type GithubKey,
  githubClaims,
  githubJwk,
  githubKey,
} from '../../support/github-issuer.ts';
import { issuedPins } from '../../support/workflow-pins.ts';

/** When everything is judged, unless a test says otherwise. */
export const nowMs = Date.UTC(2026, 10, 22);
export const issuer = githubIssuer;
export const audience = 'writ:h_01JDZ0000000000000000000HM:release:sha256:00';

/** One key of GitHub's, and one that never was. Making them takes a while. */
export const key: GithubKey = githubKey();
export const strangersKey: GithubKey = { ...githubKey(), kid: key.kid, x5t: key.x5t };

export const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url');

/** A token of exactly these texts, signed as they are. */
export function tokenOf(header: string, payload: string, by: KeyObject = key.privateKey): string {
  const input = `${base64url(header)}.${base64url(payload)}`;
  return `${input}.${sign('sha256', Buffer.from(input), by).toString('base64url')}`;
}

export const goodHeader = { typ: 'JWT', alg: 'RS256', x5t: key.x5t, kid: key.kid } as const;
export const goodClaims = (overrides: GithubClaims = {}): GithubClaims =>
  githubClaims(nowMs, { aud: audience, ...overrides });
export const goodToken = (overrides: GithubClaims = {}): string =>
  tokenOf(JSON.stringify(goodHeader), JSON.stringify(goodClaims(overrides)));

/** A key set as an issuer answers it. */
export const jwks = (...keys: readonly object[]): Uint8Array<ArrayBuffer> =>
  toBytes(JSON.stringify({ keys }));

/** Issuers in memory: what each answers, who was asked for what, and a clock that stands until it is moved. */
export function memoryIssuers(answers: Record<string, Uint8Array<ArrayBuffer> | 'down'>) {
  const asked: string[] = [];
  const warned: unknown[] = [];
  const state = { uptimeMs: 5_000_000, holdMs: 0 };
  let held: (() => void)[] | null = null;
  const keys: GithubKeys = createGithubKeys({
    uptimeMs: () => state.uptimeMs,
    async load(url) {
      asked.push(url);
      if (held !== null) await new Promise<void>((resolve) => held!.push(resolve));
      const found = Object.entries(answers).find(([one]) => jwksUrl(one) === url)?.[1] ?? 'down';
      return found === 'down' ? refuse('github_keys_unreachable', 'status 503') : ok(found);
    },
    warn: (code, fields) => warned.push([code, fields]),
  });
  return {
    keys,
    answers,
    asked,
    warned,
    advance: (ms: number): void => {
      state.uptimeMs += ms;
    },
    /** From here on, nobody is answered until `release`. */
    hold: (): void => {
      held = [];
    },
    release: (): void => {
      const all = held ?? [];
      held = null;
      for (const go of all) go();
    },
  };
}

/** The keys of GitHub as it is: the one of this fixture. */
export const githubsKeys = (): GithubKeys => memoryIssuers({ [issuer]: jwks(githubJwk(key)) }).keys;

export const viewOf = (changes: Partial<TokenView> = {}): TokenView => ({
  issuers: [issuer],
  keys: githubsKeys(),
  audience,
  now: nowMs,
  ...changes,
});

/** Pins that the claims of `githubClaims` fit. */
export const pins: GithubPins = issuedPins;
