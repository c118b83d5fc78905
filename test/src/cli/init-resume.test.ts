import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { formatSetupCode } from '../../../schema/api/access.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import type { TrustJws } from '../../../schema/wire/relay-api.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { runWrit } from './terminal-fixture.ts';

/** A control plane whose answers get lost. */
const folder = mkdtempSync(join(tmpdir(), 'writ-resume-'));
const config = join(folder, 'owner');
let server: Server;
let code = '';
let claims: TrustJws[] = [];
let lose = { setup: false, trust: false };
let arrives = true;

before(async () => {
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/setup') {
        const { trust } = JSON.parse(Buffer.concat(chunks).toString()) as { trust: TrustJws };
        if (arrives) claims.push(trust);
        if (lose.setup) return void request.socket.destroy();
        const { home } = JSON.parse(Buffer.from(trust.payload, 'base64url').toString()) as { home: string };
        return void response.end(JSON.stringify({ home, version: 1 }));
      }
      if (lose.trust) return void request.socket.destroy();
      if (claims.length > 0) return void response.end(JSON.stringify({ versions: claims.slice(0, 1) }));
      response.writeHead(401);
      response.end(
        JSON.stringify({
          type: 'x',
          title: 'No',
          status: 401,
          code: 'not_set_up',
          detail: 'Nobody has claimed it.',
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { signing } = await generateKey();
  code = formatSetupCode({
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spki: pins.spki,
    controller: signing.jwk,
    secret: encodeBase64url(new Uint8Array(32)),
  });
});
after(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  rmSync(config, { recursive: true, force: true });
  rmSync(`${config}.pending`, { recursive: true, force: true });
  claims = [];
  arrives = true;
  lose = { setup: false, trust: false };
});

const init = () => runWrit(['init', code, '--trial', '--config', config]);
const held = (): string[] => [config, `${config}.pending`].filter((path) => existsSync(path));

test('a claim whose answer was lost is looked up, and finished', async () => {
  lose = { setup: true, trust: false };
  const ran = await init();
  assert.equal(ran.exit, 0, ran.err);
  assert.deepEqual(held(), [config]);
  assert.equal(claims.length, 1);
});

test('a claim of which nothing can be found out waits, and the next run finishes it with the same keys', async () => {
  lose = { setup: true, trust: true };
  const lost = await init();
  assert.equal(lost.exit, 4);
  assert.match(lost.err, /is not known[\s\S]*([0-9A-HJKMNP-TV-Z]{4}-){13}/);
  assert.deepEqual(held(), [`${config}.pending`]);
  const still = await init();
  assert.equal(still.exit, 4);
  assert.deepEqual(held(), [`${config}.pending`], 'nothing is thrown away while it may be in force');
  lose = { setup: false, trust: false };
  const found = await init();
  assert.equal(found.exit, 0, found.err);
  assert.match(found.out, /earlier claim had arrived/);
  assert.equal(claims.length, 1);
  assert.deepEqual(held(), [config]);
});

test('a claim that never arrived is made anew', async () => {
  lose = { setup: true, trust: true };
  arrives = false;
  assert.equal((await init()).exit, 4);
  lose = { setup: false, trust: false };
  arrives = true;
  const ran = await init();
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /is yours/);
  assert.deepEqual(held(), [config]);
});
