import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatSetupCode, parseSetupCode } from '../../../schema/api/access.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { howToClaim } from '../../../src/cli/how-to-claim.ts';
import { isPrivate } from '../../../src/cli/own-machine.ts';
import { runWrit } from './terminal-fixture.ts';

/** Serves until it has told its setup code, and gives what that says. */
async function codeOf(t: TestContext, ...words: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-serve-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ran = await runWrit(['serve', '--trial', '--json', '--data', join(folder, 'data'), ...words], {
    signal: AbortSignal.abort(),
  });
  assert.equal(ran.exit, 0, ran.err);
  const [told] = ran.out.split('\n');
  const code = parseSetupCode((JSON.parse(told!) as { setup_code: string }).setup_code);
  assert.ok(code.ok);
  return code.value;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('a setup code names the origin that is given, with the pin of the own key', async (t) => {
  const origin = 'https://writ.example.org:8420';
  const code = await codeOf(t, '--listen', '127.0.0.1:0', '--origin', origin);
  assert.equal(code.origin, origin);
  assert.match(code.spki ?? '', /^sha256:/);
});

test('of all addresses a setup code names one that this machine has', async (t) => {
  const port = await freePort();
  const { origin } = await codeOf(t, '--listen', `0.0.0.0:${port}`);
  const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const hosts = own.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
  assert.ok(hosts.map((host) => `https://${host}:${port}`).includes(origin), origin);
});

test('what is no origin is refused', async () => {
  for (const origin of ['writ.example.org', 'http://writ.example.org', 'https://writ.example.org/x']) {
    const ran = await runWrit(['serve', '--trial', '--listen', '127.0.0.1:0', '--origin', origin]);
    assert.equal(ran.exit, 2, origin);
    assert.match(ran.err, /\(origin_invalid\)/);
  }
});

test('a code that only its own machine can use says so', async () => {
  const { signing } = await generateKey();
  const at = (origin: string): string =>
    howToClaim(
      formatSetupCode({ origin, spki: null, controller: signing.jwk, secret: 'A'.repeat(43) }),
      false,
    );
  assert.match(at('https://127.0.0.1:8420'), /Only this machine reaches it.*--listen ADDRESS:8420/);
  assert.match(at('https://[::1]:8420'), /Only this machine/);
  assert.doesNotMatch(at('https://203.0.113.7:8420'), /Only this machine/);
});

test('addresses of private networks are told from those of the internet and the tailnet', () => {
  for (const own of ['10.0.0.5:8420', '172.16.0.9:8420', '172.31.1.1:8420', '192.168.1.4:8420']) {
    assert.ok(isPrivate(own), own);
  }
  for (const other of ['203.0.113.7:8420', '172.32.0.1:8420', '100.64.0.1:8420', '[2001:db8::1]:8420']) {
    assert.ok(!isPrivate(other), other);
  }
});
