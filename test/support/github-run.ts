import assert from 'node:assert/strict';
import { releaseAudience, statusAudience } from '../../schema/github/audience.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { type Digest, digestBytes, digestOf, toBytes } from '../../schema/jose/digest.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { ReleaseOrder } from '../../schema/wire/release-order.ts';
import { readWanted } from '../../src/cli/deploy/read-release.ts';
import { createHttpClient } from '../../src/cli/https.ts';
import type { GithubClaims, GithubIssuer } from './github-issuer.ts';

/** The claims of a run, as its tokens have them. */
export type Run = { readonly run_id: string; readonly run_attempt: string; readonly sha: string };

export type RunOrder = {
  readonly order: ReleaseOrder;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly blobs: ReadonlyMap<Digest, Uint8Array<ArrayBuffer>>;
};

/** What the build job of a run makes of a repo. */
export async function orderOfRun(
  home: string,
  repo: string,
  { run_id, run_attempt, sha }: Run,
  change: (order: ReleaseOrder) => ReleaseOrder = (order) => order,
): Promise<RunOrder> {
  const wanted = await readWanted({ repo });
  assert.ok(wanted.ok, JSON.stringify(wanted));
  const { release } = wanted.value;
  const blobs = new Map<Digest, Uint8Array<ArrayBuffer>>([...release.blobs, [release.digest, release.bytes]]);
  const parts = [];
  for (const part of release.manifest.parts) {
    if (part.relay === undefined) continue;
    const bytes = toBytes(canonicalJson(part));
    const digest = await digestBytes(bytes);
    blobs.set(digest, bytes);
    parts.push({ relay: part.relay, target: part.target, digest });
  }
  const order = change({
    v: 1,
    home,
    release: release.digest,
    commit: sha,
    order: { run_id: Number(run_id), run_attempt: Number(run_attempt), desk: 0 },
    issued_at: Date.now(),
    parts,
  });
  const bytes = toBytes(canonicalJson(order));
  return { order, bytes, digest: await digestOf('release', bytes), blobs };
}

/** A job of a workflow that speaks with a control plane, with tokens of its own and nothing else. */
export function githubJob(api: { origin: string; spki: string | null }, home: string, issuer: GithubIssuer) {
  const http = createHttpClient(api);
  const call = async (method: string, url: string, token: string, body?: string | Uint8Array) => {
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
    const answer = await http.request({
      method,
      url,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': type }),
      },
      ...(body !== undefined && { body }),
      timeoutMs: 60_000,
      maxBytes: 4_000_000,
    });
    assert.ok(answer.ok, JSON.stringify(answer));
    return { status: answer.status, body: JSON.parse(answer.body.toString()) as Record<string, unknown> };
  };
  const statusToken = (claims: GithubClaims = {}) => issuer.issue({ aud: statusAudience(home), ...claims });
  return {
    call,
    statusToken,
    releaseToken: (digest: Digest, claims: GithubClaims = {}) =>
      issuer.issue({ aud: releaseAudience(home, digest), ...claims }),
    async upload({ blobs }: RunOrder, claims: GithubClaims = {}) {
      for (const [digest, bytes] of blobs) {
        const url = `/v1/blobs/${digest.slice('sha256:'.length)}`;
        const put = await call('PUT', url, await statusToken(claims), bytes);
        assert.equal(put.status, 200, JSON.stringify(put.body));
      }
    },
    submit: async ({ bytes }: RunOrder, authorisation: string, claims: GithubClaims = {}) =>
      call(
        'POST',
        '/v1/releases',
        await statusToken(claims),
        JSON.stringify({ order: encodeBase64url(bytes), authorisation }),
      ),
    follow: async (id: string, claims: GithubClaims = {}) =>
      call('GET', `/v1/deployments/${id}?wait=30`, await statusToken(claims)),
  };
}
