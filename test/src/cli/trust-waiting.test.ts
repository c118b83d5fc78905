import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { formatSetupCode } from '../../../schema/api/access.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { acceptGenesisTrust, followTrustChain } from '../../../schema/trust/read.ts';
import type { TrustChain, TrustJws } from '../../../schema/wire/relay-api.ts';
import { readHome } from '../../../src/cli/home.ts';
import { makeServerCertificate } from '../../support/proxmox/certificate.ts';
import { runWrit } from './terminal-fixture.ts';

/** A control plane whose answers get lost, or that refuses what it is brought. */
const folder = mkdtempSync(join(tmpdir(), 'writ-waiting-'));
const config = join(folder, 'owner');
let server: Server;
let code = '';
let versions: TrustJws[] = [];
let manner: 'takes' | 'takes, and is not heard' | 'hears nothing' | 'refuses' = 'takes';

const take = async (brought: readonly TrustJws[]): Promise<void> => {
  const first = await acceptGenesisTrust(versions[0]!);
  assert.ok(first.ok);
  const { trust } = await followTrustChain(first.value, versions.slice(1));
  const { accepted } = await followTrustChain(trust, brought);
  versions.push(...accepted);
};

before(async () => {
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      if (request.url === '/v1/setup') {
        const { trust } = JSON.parse(body) as { trust: TrustJws };
        versions = [trust];
        const { home } = JSON.parse(Buffer.from(trust.payload, 'base64url').toString()) as { home: string };
        return void response.end(JSON.stringify({ home, version: 1 }));
      }
      if (request.method === 'GET') {
        const from = Number(/after=(\d+)/.exec(request.url!)![1]);
        return void response.end(JSON.stringify({ versions: versions.slice(from) }));
      }
      if (manner === 'hears nothing') return void request.socket.destroy();
      if (manner === 'refuses') {
        const problem = { type: 'x', title: 'No', status: 409, code: 'trust_exists', detail: 'No.' };
        response.writeHead(409);
        return void response.end(JSON.stringify(problem));
      }
      await take((JSON.parse(body) as TrustChain).versions);
      if (manner === 'takes, and is not heard') return void request.socket.destroy();
      const first = await acceptGenesisTrust(versions[0]!);
      assert.ok(first.ok);
      const { trust } = await followTrustChain(first.value, versions.slice(1));
      response.end(JSON.stringify({ version: trust.document.version, digest: trust.digest }));
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
beforeEach(async () => {
  rmSync(config, { recursive: true, force: true });
  manner = 'takes';
  assert.equal((await writ('init', code, '--trial')).exit, 0);
});

const writ = (...words: string[]) => runWrit([...words, '--config', config]);
const file = (name: string): string => readFileSync(join(config, name), 'utf8');
const waits = (): boolean => existsSync(join(config, 'waiting.json'));
const known = async (): Promise<number> => {
  const home = await readHome(config);
  assert.ok(home.ok);
  return home.value.trust.document.version;
};

for (const which of ['desk', 'operator'] as const) {
  const name = which === 'desk' ? 'root-desk.json' : 'operator.json';
  for (const lost of ['takes, and is not heard', 'hears nothing'] as const) {
    test(`a new ${which} key is not lost with an answer: the control plane ${lost}`, async () => {
      const old = file(name);
      manner = lost;
      const ran = await writ('trust', 'rotate', which, '--yes');
      assert.equal(ran.exit, 4, ran.err);
      assert.match(ran.err, /version 2 is signed, and waits here: the next command sends it again/);
      assert.deepEqual([file(name), waits(), await known()], [old, true, 1]);
      const still = await writ('trust', 'show');
      assert.equal(still.exit, 4);
      assert.ok(waits());

      manner = 'takes';
      assert.match((await writ('trust', 'show')).out, /version 2/);
      assert.notEqual(file(name), old);
      assert.deepEqual([waits(), versions.length, await known()], [false, 2, 2]);
      assert.equal((await writ('trust', 'sign', '--yes')).exit, 0, 'the new key signs on');
      assert.equal(versions.length, 3);
    });
  }

  test(`a new ${which} key that is refused replaces nothing, and is set aside`, async () => {
    const old = file(name);
    manner = 'refuses';
    const ran = await writ('trust', 'rotate', which, '--yes');
    assert.equal(ran.exit, 3, ran.err);
    assert.match(
      ran.err,
      /version 2 was refused: .*the one before stays in force[\s\S]*refused-[0-9a-f]{16}\.json/,
    );
    assert.deepEqual([file(name), waits(), await known()], [old, false, 1]);
    manner = 'takes';
    assert.equal((await writ('trust', 'sign', '--yes')).exit, 0);
  });
}

test('a new paper root is told before anything is sent, whatever becomes of the answer', async () => {
  manner = 'takes, and is not heard';
  const ran = await writ('trust', 'rotate', 'paper', '--yes');
  assert.equal(ran.exit, 4);
  const paper = ran.err
    .split('\n')
    .filter((line) => /^ {4}([0-9A-Z]{4} {2}){6}[0-9A-Z]{4}$/.test(line))
    .join(' ');
  manner = 'takes';
  assert.match((await writ('trust', 'show')).out, /version 2/);
  const signed = await runWrit(['trust', 'sign', '--paper', '--yes', '--config', config], {
    answers: [paper],
  });
  assert.equal(signed.exit, 0, signed.err);
});

test('versions that were signed off line are handed over in one go, whoever the operator was', async () => {
  manner = 'hears nothing';
  for (const line of ['sign', 'rotate operator', 'rotate desk', 'sign']) {
    const ran = await writ('trust', ...line.split(' '), '--yes', '--offline');
    assert.equal(ran.exit, 0, `${line}: ${ran.err}`);
  }
  assert.deepEqual([await known(), versions.length], [5, 1]);
  manner = 'takes';
  assert.match((await writ('trust', 'publish')).out, /has trust version 5/);
  assert.equal(versions.length, 5);
});
