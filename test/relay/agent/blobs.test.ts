import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, test } from 'node:test';
import { createBlobs } from '../../../relay/agent/blobs.ts';
import type { Link } from '../../../relay/agent/link.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { acceptKey } from '../../../schema/jose/keys.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import { proofSchema } from '../../../schema/wire/proof.ts';
import { linkTo, originOf } from './link-fixture.ts';

const bytes = toBytes('the bytes of a unit\n');
const digest = await digestBytes(bytes);
const path = `/v1/relay/blobs/${digest.slice('sha256:'.length)}`;
const { signal } = new AbortController();

const answer =
  (body: Uint8Array, type = 'application/octet-stream', status = 200): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': type }).end(body);
const refusal = (status: number, code: string): RequestListener =>
  answer(
    toBytes(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: code })),
    'application/problem+json',
    status,
  );

const blobsOver = (link: Pick<Link, 'bytes'>) => {
  const pauses: number[] = [];
  return {
    pauses,
    ...createBlobs({ link, clock: { sleep: async (ms) => void pauses.push(ms) } }),
  };
};
const say = (found: Awaited<ReturnType<ReturnType<typeof createBlobs>['get']>>): string =>
  found.ok ? Buffer.from(found.value).toString() : found.reason;

describe('bytes of releases', () => {
  test('are asked for by their digest, with a proof by the relay’s key', async () => {
    const seen: { url: string; authorization: string }[] = [];
    const origin = await originOf((request, response) => {
      seen.push({ url: request.url ?? '', authorization: request.headers.authorization ?? '' });
      answer(bytes)(request, response);
    });
    const { link, key } = await linkTo([origin]);
    const blobs = blobsOver(link);
    assert.equal(say(await blobs.get(digest, signal)), 'the bytes of a unit\n');
    assert.deepEqual(
      seen.map(({ url }) => url),
      [path],
    );
    const accepted = await acceptKey(key.signing.jwk);
    assert.ok(accepted.ok);
    const proof = await verifyJws('proof', seen[0]!.authorization.replace('Writ-Proof ', ''), {
      maxBytes: 2048,
      findKey: () => accepted.value,
      schema: proofSchema,
    });
    assert.ok(proof.ok);
    const { method, url } = proof.value.payload;
    assert.deepEqual([method, url], ['GET', path]);
    // A step that acts looks at what it looked at before it began.
    await blobs.get(digest, signal);
    assert.equal(seen.length, 1);
  });

  test('threat 6: are never others than those that were signed, whoever answers', async () => {
    const thief = await originOf(answer(toBytes('something else\n')));
    const honest = await originOf(answer(bytes));
    const { link } = await linkTo([thief, honest]);
    const found = await blobsOver(link).get(digest, signal);
    assert.equal(say(found), 'the bytes of a unit\n', 'the next origin is asked');
    const { link: alone } = await linkTo([thief]);
    assert.equal(say(await blobsOver(alone).get(digest, signal)), 'blob_unreachable');
  });

  test('threat 7: are no more than a blob may have, and come as bytes', async () => {
    const large = await originOf(answer(Buffer.alloc(maxBlobBytes + 1)));
    const page = await originOf(answer(bytes, 'text/html'));
    const partial = await originOf(answer(bytes, 'application/octet-stream', 206));
    for (const origin of [large, page, partial]) {
      const { link } = await linkTo([origin]);
      assert.equal(say(await blobsOver(link).get(digest, signal)), 'blob_unreachable');
    }
    const largest = await originOf(answer(Buffer.alloc(maxBlobBytes)));
    const { link } = await linkTo([largest]);
    const zeros = await digestBytes(new Uint8Array(maxBlobBytes));
    assert.ok((await blobsOver(link).get(zeros, signal)).ok);
  });

  test('are asked for three times where nothing answers, and once where the API says no', async () => {
    const silent = await originOf((request) => request.socket.destroy());
    const { link } = await linkTo([silent]);
    const blobs = blobsOver(link);
    assert.equal(say(await blobs.get(digest, signal)), 'blob_unreachable');
    assert.deepEqual([blobs.pauses, silent.hits.length >= 3], [[1_000, 2_000], true]);
    for (const [status, code, reason] of [
      [404, 'blob_unknown', 'blob_missing'],
      [403, 'not_granted', 'blob_unreachable'],
    ] as const) {
      const origin = await originOf(refusal(status, code));
      const { link: refused } = await linkTo([origin]);
      assert.equal(say(await blobsOver(refused).get(digest, signal)), reason);
      assert.equal(origin.hits.length, 1);
    }
  });

  test('are kept up to two megabytes, the oldest given up first', async () => {
    const asked: string[] = [];
    const blobs = blobsOver({
      async bytes(request) {
        asked.push(request.path);
        return { ok: true, value: new Uint8Array(1024 * 1024) };
      },
    });
    const of = (letter: string) => blobs.get(`sha256:${letter.repeat(64)}`, signal);
    for (const letter of ['a', 'b', 'a', 'c', 'a', 'b']) await of(letter);
    assert.deepEqual(
      asked.map((one) => one.at(-1)),
      ['a', 'b', 'c', 'b'],
    );
  });
});
