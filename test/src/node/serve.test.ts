import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as v from 'valibot';
import { ulidOf } from '../../../schema/wire/ids.ts';
import { routes } from '../../../src/http/table.ts';
import { serve } from '../../../src/main.ts';
import { startClaimedServer } from '../../support/claimed-server.ts';
import { startTestServer } from '../../support/control.ts';
import { sampleRequest } from '../../support/sample-requests.ts';

describe('an instance', () => {
  test('is claimed once, by whoever holds the code and the operator key of the document', async (t) => {
    const { claim, home, call } = await startClaimedServer(t, { claim: false });
    const wrongCode = await claim({ secret: 'A'.repeat(43) });
    assert.deepEqual([wrongCode.status, wrongCode.json().code], [403, 'setup_code_wrong']);
    const wrongKey = await claim({ key: home.relays.pve1!.signing });
    assert.deepEqual([wrongKey.status, wrongKey.json().code], [403, 'operator_key_wrong']);
    const early = await claim({ time: Date.now() + 600_000 });
    assert.deepEqual([early.status, early.json().code], [401, 'proof_stale']);
    assert.match(String(early.json().detail), /clock is (?:599|600) s ahead of the control plane's/);
    assert.equal((await claim()).status, 200);
    const again = await claim();
    assert.deepEqual([again.status, again.json().code], [409, 'already_set_up']);
    assert.equal((await call({ method: 'GET', url: '/healthz' })).status, 200);
  });

  test('threat 20, threat 25: no secret is in its files or its log, and only its owner can read its keys', async (t) => {
    const { server, home, setup, call, asToken, asKey, makeToken } = await startClaimedServer(t);
    const { token, id } = await makeToken(['status', 'guest.start@gaming']);
    assert.equal((await asToken(token, { method: 'GET', url: '/v1/status' })).status, 200);
    await asToken(token, { method: 'POST', url: '/v1/guests/gaming/start' });
    await asToken(`${token.slice(0, -2)}AA`, { method: 'GET', url: '/v1/status' });
    const leaked = await call({ method: 'GET', url: `/v1/status?token=${token}` });
    assert.equal(leaked.json().code, 'token_in_url');
    const revoked = await asToken(token, { method: 'GET', url: '/v1/status' });
    assert.equal(revoked.json().code, 'token_revoked');
    const list = await asKey(home.operator, { method: 'GET', url: '/v1/tokens' });
    assert.ok(list.text.includes(id));
    await server.close();

    const key = JSON.parse(readFileSync(join(server.dataDir, 'controller.key'), 'utf8')) as { d: string };
    const [, , signature] = token.split('.');
    const secrets = { token, signature: signature!, setup: setup.secret, key: key.d };
    const files = readdirSync(server.dataDir);
    assert.ok(files.includes('writ.db'));
    for (const file of files) {
      const bytes = readFileSync(join(server.dataDir, file), 'latin1');
      for (const [name, secret] of Object.entries(secrets)) {
        if (name === 'key' && file === 'controller.key') continue;
        assert.ok(!bytes.includes(secret), `${name} in ${file}`);
      }
      assert.equal(statSync(join(server.dataDir, file)).mode & 0o077, 0, `${file} is its owner's alone`);
    }
    const output = JSON.stringify(server.logs);
    for (const [name, secret] of Object.entries(secrets))
      assert.ok(!output.includes(secret), `${name} in the log`);
  });

  test('keeps its key and certificate over a restart, and is not claimable any more', async (t) => {
    const claimed = await startClaimedServer(t);
    const again = await claimed.server.restart();
    assert.equal(again.spki, claimed.server.spki);
    assert.equal(again.setupCode, null);
    const status = await claimed.asKey(claimed.home.operator, { method: 'GET', url: '/v1/status' });
    assert.equal(status.status, 200, status.text);
  });

  test('refuses to start without the key that an owner claimed, or with another', async (t) => {
    const { server } = await startClaimedServer(t);
    await server.close();
    const path = join(server.dataDir, 'controller.key');
    const stranger = await startTestServer(t);
    const other = readFileSync(join(stranger.dataDir, 'controller.key'));
    rmSync(path);
    const options = { dataDir: server.dataDir, listen: [{ host: '127.0.0.1', port: 0 }], write: () => {} };
    const missing = await serve(options);
    assert.deepEqual([missing.ok, !missing.ok && missing.reason], [false, 'controller_key_missing']);
    assert.ok(!readdirSync(server.dataDir).includes('controller.key'), 'and makes no other');
    writeFileSync(path, other);
    const wrong = await serve(options);
    assert.equal(!wrong.ok && wrong.reason, 'controller_key_wrong');
    writeFileSync(path, '{}');
    const malformed = await serve(options);
    assert.equal(!malformed.ok && malformed.reason, 'controller_key_malformed');
  });

  test('refuses a data directory that another serves, a taken address and an unusable certificate', async (t) => {
    const server = await startTestServer(t);
    const port = Number(new URL(server.origin).port);
    const write = () => {};
    const twice = await serve({ dataDir: server.dataDir, listen: [{ host: '127.0.0.1', port: 0 }], write });
    assert.equal(!twice.ok && twice.reason, 'data_dir_in_use');
    const dataDir = await mkdtemp(join(tmpdir(), 'writ-api-'));
    t.after(() => rm(dataDir, { recursive: true, force: true }));
    const taken = await serve({ dataDir, listen: [{ host: '127.0.0.1', port }], write });
    assert.equal(!taken.ok && taken.reason, 'address_unusable');
    const certificate = { certFile: join(dataDir, 'none.crt'), keyFile: join(dataDir, 'none.key') };
    const bad = await serve({ dataDir, listen: [{ host: '127.0.0.1', port: 0 }], certificate, write });
    assert.equal(!bad.ok && bad.reason, 'certificate_unusable');
    const mixed = {
      certFile: join(server.dataDir, 'tls.crt'),
      keyFile: join(dataDir, 'tls.key'),
    };
    const mismatch = await serve({
      dataDir,
      listen: [{ host: '127.0.0.1', port: 0 }],
      certificate: mixed,
      write,
    });
    assert.equal(!mismatch.ok && mismatch.reason, 'certificate_unusable');
    const good = await serve({ dataDir, listen: [{ host: '127.0.0.1', port: 0 }], write });
    assert.ok(good.ok, 'nothing was left open by those before');
    await good.value.close();
  });

  test('answers what is parked and ends streams when it closes', async (t) => {
    const { server, home, asKey, asToken, makeToken } = await startClaimedServer(t);
    const { token } = await makeToken(['status']);
    const events = asToken(token, { method: 'GET', url: '/v1/events' });
    const poll = sampleRequest(routes.find(({ path }) => path === '/v1/relay/poll')!, '');
    const parked = asKey(home.relays.pve1!.signing, {
      ...poll,
      body: poll.body.replace('"wait_ms":0', '"wait_ms":45000'),
    });
    const endsAt = Date.now() + 5_000;
    for (;;) {
      const metrics = await asKey(home.operator, { method: 'GET', url: '/metrics' });
      if (/^writ_polls_parked 1$/m.test(metrics.text)) break;
      assert.ok(Date.now() < endsAt, 'the poll is parked');
    }
    const startedAt = Date.now();
    await server.close();
    assert.equal((await parked).status, 200);
    assert.match((await events).text, /: connected/);
    assert.ok(Date.now() - startedAt < 4_000, 'nothing had to be cut');
  });
});

test('every operation of the OpenAPI document works: none is a stub, and each answer has its documented shape', async (t) => {
  const { home, asKey, call, asToken, makeToken } = await startClaimedServer(t, {
    limits: { http: { ownBurst: 10_000 } },
  });
  const document = (await call({ method: 'GET', url: '/v1/openapi.json' })).json();
  assert.equal(document.openapi, '3.1.0');
  const paths = document.paths as Record<string, Record<string, { operationId: string; responses: object }>>;
  const { token, id: tokenId } = await makeToken(['guest.start@gaming']);
  const started = await asToken(token, { method: 'POST', url: '/v1/guests/gaming/start' });
  assert.equal(started.status, 202, started.text);
  const commandId = String(started.json().id);

  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  assert.equal(operations.length, routes.length);
  assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, routes.length);
  let answeredWell = 0;
  for (const { path, method } of operations) {
    const route = routes.find((one) => one.path === path && one.method === method);
    assert.ok(route, `${method} ${path}`);
    const object = path.startsWith('/v1/tokens/')
      ? tokenId
      : path.startsWith('/v1/commands/')
        ? commandId
        : path.includes('{host}')
          ? 'pve2'
          : path.includes('{name}')
            ? 'just-gaming'
            : 'gaming';
    const { body, ...request } = sampleRequest(route, object);
    const key = route.authority === 'relay' ? home.relays.pve1!.signing : home.operator;
    const leaving = new AbortController();
    const whole = { ...request, ...(body !== '' && { body }), signal: leaving.signal };
    if (path === '/v1/events') {
      // Never ends by itself; test/src/http/events.test.ts reads it.
      setTimeout(() => leaving.abort(), 50);
      await assert.rejects(asKey(key, whole));
      continue;
    }
    const answer = await asKey(key, whole);
    const name = `${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`;
    assert.notEqual(answer.status, 501, name);
    assert.ok(answer.status < 500, name);
    assert.doesNotMatch(answer.text, /not (yet )?implemented|todo|not built/i, name);
    if (answer.status >= 400) {
      assert.ok(
        !['route_unknown', 'method_not_allowed', 'credentials_invalid'].includes(String(answer.json().code)),
        name,
      );
      continue;
    }
    const card = route.answers[answer.status];
    assert.ok(card, `${name}: a status that is not documented`);
    if (card.schema !== undefined) {
      const parsed = v.safeParse(card.schema, JSON.parse(answer.text));
      assert.ok(parsed.success, `${name}: ${JSON.stringify(parsed.issues?.[0]?.message)}`);
    }
    answeredWell += 1;
  }
  assert.ok(answeredWell >= 18, `${answeredWell} of ${operations.length} answered with a documented success`);
});

test('one order goes from a phone to a relay’s poll', async (t) => {
  const { home, asKey, asToken, makeToken } = await startClaimedServer(t);
  const { token } = await makeToken(['host.wake@pve2']);
  const ordered = await asToken(token, {
    method: 'POST',
    url: '/v1/hosts/pve2/wake?wait=0',
    headers: { 'idempotency-key': `key-${ulidOf(1, new Uint8Array(10))}` },
  });
  assert.equal(ordered.status, 202, ordered.text);
  const poll = sampleRequest(routes.find(({ path }) => path === '/v1/relay/poll')!, '');
  const polled = await asKey(home.relays.pve1!.signing, poll);
  assert.equal(polled.status, 200, polled.text);
  assert.equal((polled.json().jobs as unknown[]).length, 1, polled.text.slice(0, 300));
  const other = await asKey(
    home.relays.pve2!.signing,
    sampleRequest(routes.find(({ path }) => path === '/v1/relay/poll')!, ''),
  );
  assert.equal((other.json().jobs as unknown[]).length, 0);
  const spoken = await asToken(token, {
    method: 'GET',
    url: `/v1/commands/${String(ordered.json().id)}`,
    headers: { accept: 'text/plain' },
  });
  assert.equal(spoken.status, 202);
  assert.match(spoken.text, /^[A-Z].*\.\n$/);
});
