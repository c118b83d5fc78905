import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { parseSetupCode } from '../../../schema/api/access.ts';
import { makeCertificate, pinOf } from '../../../src/node/certificate.ts';
import { createNamedCertificate } from '../../../src/node/named-certificate.ts';
import { startClaimedServer } from '../../support/claimed-server.ts';
import { startTestServer } from '../../support/control.ts';

const name = 'writ.example.org';

/** A certificate as an authority would give it, in files; nobody here asks who signed it. */
async function certificateFiles(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'writ-named-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { certificatePem, keyPem } = await makeCertificate([name], new Date());
  const files = { certFile: join(folder, 'fullchain.pem'), keyFile: join(folder, 'privkey.pem') };
  writeFileSync(files.certFile, certificatePem);
  writeFileSync(files.keyFile, keyPem);
  return { files, pin: pinOf(certificatePem) };
}

/** The pin of what an origin shows to a caller that asks for a name; an empty one asks for none. */
async function pinShown(origin: string, servername: string): Promise<string> {
  const { hostname: host, port } = new URL(origin);
  const socket = connect({ host, port: Number(port), servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const pem = socket.getPeerX509Certificate()!.toString();
  socket.destroy();
  return pinOf(pem);
}

test('the owner’s certificate is shown for its name, and the pinned one to all others', async (t) => {
  const { files, pin } = await certificateFiles(t);
  const server = await startTestServer(t, { certificate: files });
  assert.equal(await pinShown(server.origin, name), pin);
  for (const other of ['', 'other.example.org']) {
    assert.equal(await pinShown(server.origin, other), server.spki);
  }
  assert.notEqual(pin, server.spki);
});

test('a setup code pins the own key, but for an origin that authorities vouch for', async (t) => {
  const { files } = await certificateFiles(t);
  for (const [origin, pinned] of [
    [`https://${name}:8420`, false],
    ['https://203.0.113.7:8420', true],
    [undefined, true],
  ] as const) {
    const server = await startTestServer(t, { certificate: files, ...(origin && { origin }) });
    const code = parseSetupCode(server.setupCode ?? '');
    assert.ok(code.ok);
    assert.equal(code.value.origin, origin ?? server.origin);
    assert.equal(code.value.spki !== null, pinned, String(origin));
    await server.close();
  }
});

test('a name that trust pins keeps the key that it pins, whatever certificate comes later', async (t) => {
  const { files } = await certificateFiles(t);
  const { server } = await startClaimedServer(t, { origin: `https://${name}:8420` });
  const pinned = server.spki;
  await server.close();
  const again = await startTestServer(t, { dataDir: server.dataDir, certificate: files });
  assert.equal(await pinShown(again.origin, name), pinned);
});

test('a renewed certificate is shown from the next connection on', async () => {
  const [first, next] = await Promise.all([
    makeCertificate([name], new Date()),
    makeCertificate([name], new Date()),
  ]);
  const named = createNamedCertificate(first, async () => false);
  const before = await named.contextFor(name);
  assert.equal(await named.contextFor(name), before);
  named.renew(next);
  const after = await named.contextFor(name);
  assert.ok(after !== null && after !== before);
  assert.equal(await named.contextFor('203.0.113.7'), null);
});
