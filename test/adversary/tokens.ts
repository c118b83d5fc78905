import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import {
  type GithubClaims,
  type GithubKey,
  githubClaims,
  githubJwk,
  githubKey,
  githubToken,
} from '../support/github-issuer.ts';
import { type Attestation, issuers, type Token, type TokenSigner } from './law-github.ts';

/** Made once in a process: an RSA key takes long. */
export const tokenKeys: Readonly<Record<TokenSigner, GithubKey>> = {
  github: githubKey(),
  enterprise: githubKey(),
  nobody: githubKey(),
};

/** Claims of the owner's own workflow at GitHub, or of the one on the other server. */
export function claimsOf(
  signer: 'github' | 'enterprise',
  atMs: number,
  overrides: GithubClaims = {},
): GithubClaims {
  const enterprise = { repository_id: '77', repository_owner_id: '7', environment: 'lab' };
  return githubClaims(atMs, {
    iss: issuers[signer],
    ...(signer === 'enterprise' && enterprise),
    ...overrides,
  });
}

/** A token that a key truly signed. Its header may name another one. */
export function makeToken(signer: TokenSigner, claims: GithubClaims, header: object = {}): Token {
  return { text: githubToken(tokenKeys[signer], claims, header), signer, claims };
}

/** A word on a token, by whoever holds the key. */
export async function makeAttestation(
  home: string,
  token: string,
  seenMs: number,
  by: SigningKey,
  isGenuine: boolean,
): Promise<Attestation> {
  const said = { home, token: await digestBytes(toBytes(token)), seen: seenMs, seq: 1 };
  return { text: await signJws('time', said, by), isGenuine, token, seenMs };
}

/** The keys at an issuer's address, as it would answer. */
export function jwksOf(url: string): Uint8Array<ArrayBuffer> {
  const signer = url.startsWith(issuers.enterprise) ? 'enterprise' : 'github';
  return toBytes(JSON.stringify({ keys: [githubJwk(tokenKeys[signer])] }));
}
