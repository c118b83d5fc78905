import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import {
  deploymentListSchema,
  deploymentViewSchema,
  missingAnswerSchema,
  targetListSchema,
} from '../../../schema/api/deployments.ts';
import { digestBytes } from '../../../schema/jose/digest.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { maxBlobBytes } from '../../../schema/wire/limits.ts';
import { refused } from '../../../src/domain/errors.ts';
import { makeDeployment } from '../../support/fake-control.ts';
import { type Call, codeOf, makeTestApp, type TestApp } from '../../support/http-app.ts';

const octets = { 'content-type': 'application/octet-stream' };
const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
const blobUrl = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  `/v1/blobs/${(await digestBytes(bytes)).slice(7)}`;

/** Puts bytes with a proof of them, or of others. */
async function put(
  app: TestApp,
  bytes: Uint8Array<ArrayBuffer>,
  change: { url?: string; proved?: Uint8Array<ArrayBuffer>; by?: SigningKey } & Pick<Call, 'headers'> = {},
): Promise<Response> {
  const url = change.url ?? (await blobUrl(bytes));
  const body = await digestBytes(change.proved ?? bytes);
  const by = change.by ?? app.home.operator;
  const authorization = await app.proof(by, { method: 'PUT', url }, { body });
  return app.request(url, {
    method: 'PUT',
    rawBody: bytes,
    headers: { authorization, ...octets, ...change.headers },
  });
}

const putCalls = (app: TestApp) => app.fake.calls.filter(({ name }) => name === 'releases.putBlob');

describe('blobs', () => {
  test('bytes are taken as they are, under the digest that the address names', async () => {
    const app = await makeTestApp();
    // No JSON, no UTF-8, and what JSON would refuse.
    const bytes = new Uint8Array([0, 255, 0x7b, 0xc3, 0x28, 10]);
    const response = await put(app, bytes);
    assert.deepEqual([response.status, await response.json()], [200, {}]);
    const [, digest, taken] = putCalls(app)[0]!.args as [unknown, string, Uint8Array];
    assert.equal(digest, await digestBytes(bytes));
    assert.deepEqual([...taken], [...bytes]);
    assert.equal((await put(app, new Uint8Array(0))).status, 200, 'an empty file is a file');
  });

  test('threat 6: other bytes than the address says, and other bytes than were proved, are not kept', async () => {
    const app = await makeTestApp();
    const other = await put(app, bytesOf('b'), { url: await blobUrl(bytesOf('a')) });
    assert.deepEqual([other.status, await codeOf(other)], [400, 'blob_digest']);
    const unproved = await put(app, bytesOf('a'), { proved: bytesOf('b') });
    assert.deepEqual([unproved.status, await codeOf(unproved)], [401, 'proof_invalid']);
    assert.deepEqual(putCalls(app), []);
  });

  test('threat 7: a blob of the greatest size is taken, one byte more is not, and an endless one ends at the cap', async () => {
    const app = await makeTestApp();
    const most = new Uint8Array(maxBlobBytes);
    assert.equal((await put(app, most)).status, 200);
    const more = await put(app, new Uint8Array(maxBlobBytes + 1));
    assert.deepEqual([more.status, await codeOf(more)], [413, 'body_too_large']);

    let given = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 64 * 1024;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    const url = await blobUrl(most);
    const authorization = await app.proof(app.home.operator, { method: 'PUT', url });
    const response = await app.request(url, {
      method: 'PUT',
      rawBody: endless,
      headers: { authorization, ...octets },
    });
    assert.equal(response.status, 413);
    assert.ok(given <= maxBlobBytes + 3 * 64 * 1024, `${given} bytes were taken`);
    assert.equal(putCalls(app).length, 1);
  });

  test('threat 7: nobody but the operator has a byte of a blob read', async () => {
    const app = await makeTestApp();
    let pulled = 0;
    const count = (): void => {
      pulled += 1;
    };
    const lazy = () => new ReadableStream<Uint8Array>({ pull: count }, { highWaterMark: 0 });
    const url = await blobUrl(bytesOf('a'));
    const token = await app.token(['status']);
    const call = { method: 'PUT', rawBody: lazy(), headers: octets };
    assert.equal((await app.request(url, call)).status, 401);
    assert.equal((await app.asToken(token, url, { ...call, rawBody: lazy() })).status, 403);
    const relay = app.home.relays.pve1!.signing;
    assert.equal((await app.asKey(relay, url, { ...call, rawBody: lazy() })).status, 403);
    assert.equal(pulled, 0);
  });

  test('threat 18: only application/octet-stream, not compressed, is taken for bytes', async () => {
    const app = await makeTestApp();
    const bytes = bytesOf('{}');
    for (const type of ['application/json', 'text/plain', 'application/octet-stream; charset=utf-8', '']) {
      const response = await put(app, bytes, { headers: { 'content-type': type } });
      assert.deepEqual([response.status, await codeOf(response)], [415, 'content_type'], type);
    }
    assert.equal((await put(app, bytes, { headers: { 'content-encoding': 'gzip' } })).status, 415);
    const json = await app.asKey(app.home.operator, '/v1/blobs/missing', {
      rawBody: '{"digests":[]}',
      headers: octets,
    });
    assert.equal(json.status, 415, 'nor bytes where JSON is meant');
    assert.deepEqual(putCalls(app), []);
  });

  test('threat 7: bytes that drip end at a deadline of their own', async () => {
    const app = await makeTestApp({ limits: { bodyDeadlineMs: 1_000, bytesDeadlineMs: 4_000 } });
    const hanging = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const url = await blobUrl(bytesOf('a'));
    const answering = app.asKey(app.home.operator, url, { method: 'PUT', rawBody: hanging, headers: octets });
    while (app.timers.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    app.timers.pass(3_999);
    assert.equal(app.timers.waiting, 1);
    app.timers.pass(1);
    assert.equal(await codeOf(await answering), 'body_too_slow');
  });

  test('which are missing is told of up to 20,000 at once', async () => {
    const app = await makeTestApp();
    const digests = Array.from({ length: 20_000 }, (_, at) => `sha256:${String(at).padStart(64, '0')}`);
    const ask = (body: object) => app.asKey(app.home.operator, '/v1/blobs/missing', { body });
    const answer = await ask({ digests });
    assert.equal(answer.status, 200);
    assert.equal(v.parse(missingAnswerSchema, await answer.json()).missing.length, 20_000);
    assert.equal((await ask({ digests: [...digests, digests[0]] })).status, 400);
    assert.equal((await ask({ digests: ['sha256:ABC'] })).status, 400);
  });

  test('bytes are answered to the operator, and to a relay by its own name', async () => {
    const app = await makeTestApp();
    const hex = 'ab'.repeat(32);
    for (const [key, url] of [
      [app.home.operator, `/v1/blobs/${hex}`],
      [app.home.relays.pve2!.signing, `/v1/relay/blobs/${hex}`],
    ] as const) {
      const response = await app.asKey(key, url);
      assert.deepEqual(
        [response.status, response.headers.get('content-type'), response.headers.get('content-length')],
        [200, 'application/octet-stream', '3'],
      );
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [1, 2, 3]);
    }
    assert.deepEqual(app.fake.calls.at(-1), { name: 'releases.blobFor', args: ['pve2', `sha256:${hex}`] });
    app.fake.override('releases', { blob: async () => null, blobFor: async () => null });
    const gone = await app.asKey(app.home.operator, `/v1/blobs/${hex}`);
    assert.deepEqual([gone.status, await codeOf(gone)], [404, 'blob_unknown']);
    const bad = await app.asKey(app.home.operator, `/v1/blobs/${hex.toUpperCase()}`);
    assert.equal(await codeOf(bad), 'request_invalid');
  });
});

describe('releases', () => {
  const order = { order: 'e30', authorisation: 'a.b.c' };

  test('an order is answered with its deployment, and where to follow it', async () => {
    const app = await makeTestApp();
    const accepted = await app.asKey(app.home.operator, '/v1/releases', { body: order });
    assert.equal(accepted.status, 202);
    const view = v.parse(deploymentViewSchema, await accepted.json());
    assert.equal(accepted.headers.get('location'), `/v1/deployments/${view.id}`);
    assert.equal(accepted.headers.get('idempotency-replayed'), null);
    app.fake.override('releases', {
      release: async () => ({ ok: true, value: { deployment: makeDeployment(7), replayed: true } }),
    });
    const again = await app.asKey(app.home.operator, '/v1/releases', { body: order });
    assert.deepEqual([again.status, again.headers.get('idempotency-replayed')], [200, 'true']);
  });

  test('a refusal has its status and code', async () => {
    const app = await makeTestApp();
    for (const [reason, status] of [
      ['blobs_missing', 409],
      ['release_stale', 409],
      ['release_malformed', 400],
      ['not_granted', 403],
    ] as const) {
      app.fake.override('releases', { release: async () => refused(reason, 'It is so.') });
      const response = await app.asKey(app.home.operator, '/v1/releases', { body: order });
      assert.deepEqual([response.status, await codeOf(response)], [status, reason]);
    }
  });

  test('a deployment is read, waited for, and spoken', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const url = `/v1/deployments/${makeDeployment().id}`;
    assert.equal(v.parse(deploymentViewSchema, await (await app.asToken(token, url)).json()).ended_at, null);
    const waited = await app.asToken(token, `${url}?wait=10`);
    assert.ok(v.parse(deploymentViewSchema, await waited.json()).ended_at !== null);
    const spoken = await app.asToken(token, url, { headers: { accept: 'text/plain' } });
    assert.deepEqual([spoken.status, await spoken.text()], [202, 'Release 0000000 waits for websvcs.\n']);
    app.fake.override('releases', { deployment: async () => null });
    const unknown = await app.asToken(token, url);
    assert.deepEqual([unknown.status, await codeOf(unknown)], [404, 'deployment_unknown']);
  });

  test('lists have their shapes, and take what they state', async () => {
    const app = await makeTestApp();
    const token = await app.token(['status']);
    const filters: unknown[] = [];
    app.fake.override('releases', {
      deployments: async (filter) => {
        filters.push(filter);
        return [];
      },
    });
    const { id } = makeDeployment();
    const list = await app.asToken(token, `/v1/deployments?target=websvcs&limit=5&before=${id}`);
    v.parse(deploymentListSchema, await list.json());
    await app.asToken(token, '/v1/deployments');
    assert.deepEqual(filters, [{ target: 'websvcs', limit: 5, before: id }, {}]);
    for (const query of ['target=No', 'limit=0', 'limit=201', 'before=cmd_1', 'state=healthy']) {
      assert.equal((await app.asToken(token, `/v1/deployments?${query}`)).status, 400, query);
    }
    v.parse(targetListSchema, await (await app.asToken(token, '/v1/targets')).json());
  });
});
