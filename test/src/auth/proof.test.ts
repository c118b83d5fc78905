import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clockSkewMs } from '../../../schema/wire/limits.ts';
import { codeOf, makeTestApp, type TestApp } from '../../support/http-app.ts';

const url = '/v1/tokens';
const body = JSON.stringify({ name: 'phone', scope: ['status'] });

async function send(
  app: TestApp,
  authorization: string,
  over: { url?: string; method?: string; body?: string } = {},
) {
  const text = over.body ?? body;
  return app.request(over.url ?? url, {
    method: over.method ?? 'POST',
    ...(text !== '' && { rawBody: text }),
    headers: { authorization },
  });
}

describe('a proof', () => {
  test('lets the operator’s own request in', async () => {
    const app = await makeTestApp();
    const proof = await app.proof(app.home.operator, { method: 'POST', url, body });
    assert.equal((await send(app, proof)).status, 200);
  });

  test('threat 22: each member is checked even when the operator’s key signed it', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 10_000 } });
    const cases: readonly [object, string][] = [
      [{ home: 'h_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 'proof_invalid'],
      [{ method: 'PUT' }, 'proof_invalid'],
      [{ method: 'PATCH' }, 'credentials_invalid'],
      [{ url: '/v1/token' }, 'proof_invalid'],
      [{ url: '/v1/tokens?' }, 'proof_invalid'],
      [{ url: 'https://writ/v1/tokens' }, 'proof_invalid'],
      [{ body: `sha256:${'0'.repeat(64)}` }, 'proof_invalid'],
      [{ body: 'none' }, 'credentials_invalid'],
      [{ time: app.now + clockSkewMs + 1 }, 'proof_stale'],
      [{ time: app.now - clockSkewMs - 1 }, 'proof_stale'],
      [{ time: String(app.now) }, 'credentials_invalid'],
      [{ time: app.now + 0.5 }, 'credentials_invalid'],
      [{ nonce: 'short' }, 'credentials_invalid'],
      [{ nonce: undefined }, 'credentials_invalid'],
      [{ extra: 1 }, 'credentials_invalid'],
    ];
    for (const [change, code] of cases) {
      const response = await send(
        app,
        await app.proof(app.home.operator, { method: 'POST', url, body }, change),
      );
      assert.equal(response.status, 401, JSON.stringify(change));
      assert.equal(await codeOf(response), code, JSON.stringify(change));
    }
    assert.deepEqual(app.fake.calls, [], 'nothing reached the control plane');
    for (const time of [app.now + clockSkewMs, app.now - clockSkewMs]) {
      const proof = await app.proof(app.home.operator, { method: 'POST', url, body }, { time });
      assert.equal((await send(app, proof)).status, 200);
    }
  });

  test('threat 22: any changed byte of a proof is refused', async () => {
    const app = await makeTestApp({ limits: { failureBurst: 100_000 } });
    const proof = await app.proof(app.home.operator, { method: 'POST', url, body });
    const start = 'Writ-Proof '.length;
    for (let at = start; at < proof.length; at += 3) {
      const other = proof[at] === 'A' ? 'B' : 'A';
      const response = await send(app, proof.slice(0, at) + other + proof.slice(at + 1));
      assert.equal(response.status, 401, `character ${at}`);
    }
    assert.equal((await send(app, proof)).status, 200, 'the proof itself was good all along');
  });

  test('is of one request only: another body, address, method or second time is refused', async () => {
    const app = await makeTestApp();
    const make = () => app.proof(app.home.operator, { method: 'POST', url, body });
    assert.equal(
      await codeOf(await send(app, await make(), { body: body.replace('status', 'run@x') })),
      'proof_invalid',
    );
    assert.equal(await codeOf(await send(app, await make(), { url: '/v1/relays/codes' })), 'proof_invalid');
    assert.equal(await codeOf(await send(app, await make(), { method: 'GET', body: '' })), 'proof_invalid');
    const proof = await make();
    assert.equal((await send(app, proof)).status, 200);
    assert.equal(await codeOf(await send(app, proof)), 'proof_replayed');
    const reached = app.fake.calls.map(({ name, args }) => (name === 'audit.note' ? args[0] : name));
    assert.deepEqual(
      reached,
      ['tokens.create', 'proof.replayed'],
      'done once, and the audit log has the attempt',
    );
  });

  test('threat 7: who repeats a proof again and again fills no log', async () => {
    const app = await makeTestApp();
    const proof = await app.proof(app.home.operator, { method: 'POST', url, body });
    for (let times = 0; times < 60; times += 1) await send(app, proof);
    const notes = app.fake.calls.filter(({ name }) => name === 'audit.note');
    assert.equal(notes.length, 20);
  });

  test('an operator’s proof is not good again after a restart, because its nonce is in the store', async () => {
    const app = await makeTestApp();
    const proof = await app.proof(app.home.operator, { method: 'POST', url, body });
    const nonce = JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString()).nonce;
    assert.equal(await app.fake.control.upkeep.rememberProofNonce(app.home.operator.kid, nonce, 1), true);
    assert.equal(await codeOf(await send(app, proof)), 'proof_replayed');
  });

  test('a relay that trust no longer names is a stranger', async () => {
    const app = await makeTestApp();
    const key = app.home.relays.pve1!.signing;
    assert.equal((await app.asKey(key, '/v1/trust')).status, 200);
    await app.home.amend((document) => {
      const { pve1: _, ...identities } = document.identities;
      return { ...document, identities };
    });
    assert.equal((await app.asKey(key, '/v1/trust')).status, 401);
  });
});
