import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { createBackoff } from '../../../relay/agent/backoff.ts';
import type { Link } from '../../../relay/agent/link.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import { acceptKey } from '../../../schema/jose/keys.ts';
import { proofSchema } from '../../../schema/wire/proof.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { answerJson, linkHome as home, linkTo, originOf } from './link-fixture.ts';

const anything = v.strictObject({ ok: v.boolean() });
const ask = (link: Link, path = '/v1/x') => link.call({ method: 'GET', path, schema: anything });

describe('the link to the API', () => {
  it('proves method, path with query, body and time with the relay’s key, with a new nonce each time', async () => {
    const proofs: { header: string; body: string; url: string }[] = [];
    const origin = await originOf(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      proofs.push({
        header: request.headers.authorization ?? '',
        body: Buffer.concat(chunks).toString(),
        url: request.url ?? '',
      });
      answerJson({ ok: true })(request, response);
    });
    const { link, key } = await linkTo([origin]);
    const body = { a: 1 };
    for (let i = 0; i < 2; i += 1) {
      const answer = await link.call({
        method: 'POST',
        path: '/v1/x?y=1',
        body: () => body,
        schema: anything,
      });
      assert.equal(answer.ok, true);
    }
    const accepted = await acceptKey(key.signing.jwk);
    assert.ok(accepted.ok);
    const nonces = new Set<string>();
    for (const { header, body: sent } of proofs) {
      const verified = await verifyJws('proof', header.replace('Writ-Proof ', ''), {
        maxBytes: 2048,
        findKey: () => accepted.value,
        schema: proofSchema,
      });
      assert.ok(verified.ok);
      assert.partialDeepStrictEqual(verified.value.payload, {
        home,
        method: 'POST',
        url: '/v1/x?y=1',
        body: await digestBytes(toBytes(sent)),
      });
      nonces.add(verified.value.payload.nonce);
    }
    assert.equal(nonces.size, 2);
  });

  it('takes the first origin that works, stays with it, and comes back to the first', async () => {
    const first = await originOf((request) => request.socket.destroy());
    const second = await originOf(answerJson({ ok: true }));
    const { link, time } = await linkTo([first, second]);
    assert.equal((await ask(link)).ok, true);
    assert.equal(first.hits.length, 1);
    assert.equal((await ask(link)).ok, true);
    assert.equal(first.hits.length, 1, 'it stays with what works');
    time.uptime = 1_500;
    first.answer = answerJson({ ok: true });
    assert.equal((await ask(link)).ok, true);
    assert.equal(first.hits.length, 2, 'it tries the first again');
    assert.equal(second.hits.length, 2);
    assert.equal((await ask(link)).ok, true);
    assert.equal(first.hits.length, 3, 'and stays with it');
  });

  it('goes on to the next origin when one is not the API', async () => {
    const wrongs: RequestListener[] = [
      (_, response) => void response.writeHead(503, { 'content-type': 'text/html' }).end('<h1>no</h1>'),
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('{"ok":true}'),
      answerJson({ ok: true, more: 1 }),
      answerJson('x'),
      (_, response) => void response.writeHead(302, { location: 'https://example.com/' }).end(),
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true,"ok":true}'),
      (_, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"ok":${' '.repeat(600_000)}true}`),
    ];
    const good = await originOf(answerJson({ ok: true }));
    for (const wrong of wrongs) {
      const { link } = await linkTo([await originOf(wrong), good]);
      assert.equal((await ask(link)).ok, true);
    }
    assert.equal(good.hits.length, wrongs.length);
  });

  it('makes the body anew for each origin', async () => {
    const bodies: string[] = [];
    const first = await originOf((request) => request.socket.destroy());
    const second = await originOf(answerJson({ ok: true }));
    const { link } = await linkTo([first, second]);
    let number = 0;
    await link.call({
      method: 'POST',
      path: '/v1/x',
      body: () => {
        number += 1;
        bodies.push(String(number));
        return { number };
      },
      schema: anything,
    });
    assert.deepEqual(bodies, ['1', '2']);
  });

  it('sends nothing to a server with another key', async () => {
    const impostor = await originOf(answerJson({ ok: true }));
    const other = (await makeServerCertificate('other')).pins.spki;
    const { link } = await linkTo([{ url: impostor.url, spki: other }]);
    const answer = await ask(link);
    assert.ok(!answer.ok && answer.reason === 'unreachable' && answer.detail.includes('pin_mismatch'));
    assert.deepEqual(impostor.hits, []);
  });

  it('trusts the system’s authorities alone where there is no pin, and speaks no plain HTTP beyond loopback', async () => {
    const selfSigned = await originOf(answerJson({ ok: true }));
    const { link } = await linkTo([{ url: selfSigned.url }, { url: 'http://192.0.2.1:80' }]);
    const answer = await ask(link);
    assert.ok(!answer.ok && answer.reason === 'unreachable');
    assert.deepEqual(selfSigned.hits, []);
  });

  it('tells the API’s refusal, and does not ask another origin for another one', async () => {
    const refusal = { type: 'about:blank', title: 'No', status: 403, code: 'forbidden', detail: 'not you' };
    const first = await originOf(
      (_, response) =>
        void response
          .writeHead(403, { 'content-type': 'application/problem+json' })
          .end(JSON.stringify(refusal)),
    );
    const second = await originOf(answerJson({ ok: true }));
    const { link } = await linkTo([first, second]);
    assert.deepEqual(await ask(link), {
      ok: false,
      reason: 'refused',
      status: 403,
      code: 'forbidden',
      detail: 'not you',
    });
    assert.deepEqual(second.hits, []);
  });

  it('follows the trust document: an origin that it no longer names is not asked', async () => {
    const first = await originOf(answerJson({ ok: true }));
    const second = await originOf(answerJson({ ok: true }));
    const { link, origins } = await linkTo([first]);
    await ask(link);
    origins.splice(0, 1, { url: second.url, spki: second.spki! });
    await ask(link);
    assert.equal(first.hits.length, 1);
    assert.equal(second.hits.length, 1);
  });

  it('ends a parked request at once when told to', async () => {
    const silent = await originOf(() => {});
    const { link } = await linkTo([silent]);
    const stop = new AbortController();
    const asked = link.call({ method: 'GET', path: '/v1/x', schema: anything, signal: stop.signal });
    while (silent.hits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    assert.partialDeepStrictEqual(await asked, { ok: false, reason: 'aborted' });
  });
});

describe('backoff', () => {
  it('doubles up to its cap, spread by chance, and never is zero', () => {
    const highest = createBackoff({ firstMs: 1_000, capMs: 60_000, random: () => 0.999_999 });
    const pauses = Array.from({ length: 9 }, () => highest.next());
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    const lowest = createBackoff({ firstMs: 1_000, capMs: 60_000, random: () => 0 });
    assert.deepEqual(
      Array.from({ length: 8 }, () => lowest.next()),
      [100, 200, 400, 800, 1_600, 3_200, 6_000, 6_000],
    );
    highest.reset();
    assert.equal(highest.next(), 1_000);
  });
});
