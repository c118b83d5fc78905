import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { nameOf } from '../../../schema/x509/certificate.ts';
import { issueCertificate } from '../../../schema/x509/issue.ts';
import { isPermitted, permit } from '../../../schema/x509/names.ts';
import { fromPem, toPem } from '../../../schema/x509/pem.ts';
import { readCertificate } from '../../../schema/x509/read-certificate.ts';
import { missing } from '../../support/missing.ts';
import {
  type Held,
  issuerOf,
  makeIntermediate,
  makeLeaf,
  makeRoot,
  spkiOf,
} from '../../support/test-authority.ts';

const root = await makeRoot();
const permitted = permit(['secsvcs', 'secsvcs.example.net', 'postgres', '192.168.20.11']);
const intermediate = await makeIntermediate(root, permitted);
const without = await makeIntermediate(root, permit(['secsvcs']));

/** What a real TLS client says of a server that shows this leaf: `ok`, or the code of its refusal. */
async function tlsSays(leaf: Held, above: readonly Held[], name: string): Promise<string> {
  const key = leaf.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const server = createServer({ key, cert: [leaf, ...above].map(({ pem }) => pem).join('') }, (socket) =>
    socket.end(),
  );
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    return await new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', ca: root.pem, servername: name });
      socket.on('secureConnect', () => {
        socket.destroy();
        resolve('ok');
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.message));
    });
  } finally {
    server.close();
  }
}

test('a leaf for a permitted name is believed by a real client, by its name and below it', async () => {
  for (const name of ['secsvcs', 'db.secsvcs', 'postgres', 'secsvcs.example.net']) {
    assert.equal(await tlsSays(await makeLeaf(intermediate, [name]), [intermediate], name), 'ok', name);
  }
});

test('a stolen intermediate speaks for no name of another host', async () => {
  const deny = 'permitted subtree violation';
  for (const [names, cn] of [
    [['websvcs'], 'websvcs'],
    [['websvcs', 'secsvcs'], 'secsvcs'],
    [['notsecsvcs'], 'x'],
    [['example.net'], 'x'],
    [['192.168.30.11'], 'x'],
    [[], 'websvcs.example.net'],
  ] as const) {
    const leaf = await makeLeaf(intermediate, names, { cn });
    const said = await tlsSays(
      leaf,
      [intermediate],
      names[0]?.startsWith('192') ? 'secsvcs' : (names[0] ?? cn),
    );
    assert.match(said, new RegExp(deny), `${names.join()} ${cn}: ${said}`);
  }
  const address = await makeLeaf(without, ['192.168.20.11']);
  assert.match(await tlsSays(address, [without], 'secsvcs'), /excluded subtree violation/);
});

test('a stolen intermediate makes no name of another kind: no address of mail, no URI', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return missing('openssl, to make such names');
  const folder = mkdtempSync(join(tmpdir(), 'writ-x509-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const pemOf = ({ key }: Held): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const held = await makeLeaf(intermediate, ['secsvcs']);
  writeFileSync(path('root.pem'), root.pem);
  writeFileSync(path('leaf.key'), pemOf(held));
  for (const above of [intermediate, without]) {
    writeFileSync(path('above.pem'), above.pem);
    writeFileSync(path('above.key'), pemOf(above));
    const names = { 'DNS:secsvcs': true, 'DNS:secsvcs,email:a@secsvcs': false, 'email:a@x.net': false };
    const uris = { 'DNS:secsvcs,URI:spiffe://secsvcs/db': false, 'URI:https://websvcs.example.net': false };
    for (const [name, isBelieved] of Object.entries({ ...names, ...uris })) {
      writeFileSync(path('ext'), `subjectAltName=${name}\nbasicConstraints=critical,CA:FALSE\n`);
      const openssl = (...words: string[]) => spawnSync('openssl', words, { cwd: folder });
      openssl('req', '-new', '-key', 'leaf.key', '-subj', '/O=x', '-out', 'leaf.csr');
      const by = ['-CA', 'above.pem', '-CAkey', 'above.key', '-extfile', 'ext', '-out', 'leaf.pem'];
      assert.equal(openssl('x509', '-req', '-in', 'leaf.csr', ...by).status, 0);
      const said = openssl('verify', '-CAfile', 'root.pem', '-untrusted', 'above.pem', 'leaf.pem');
      assert.equal(said.status === 0, isBelieved, `${name}: ${said.stdout}${said.stderr}`);
      if (!isBelieved) assert.match(String(said.stderr), /permitted subtree violation/);
    }
  }
});

test('a name that is none of a host is not permitted, whatever it ends with', () => {
  for (const name of ['secsvcs', '*.secsvcs', 'a_b.secsvcs', '_x.secsvcs', '192.168.20.11'])
    assert.ok(isPermitted(permitted, name), name);
  const long = `${'x'.repeat(64)}.secsvcs`;
  const longer = `${'xxxxxxx.'.repeat(32)}secsvcs`;
  for (const name of [
    '',
    '.secsvcs',
    '..secsvcs',
    'a..secsvcs',
    'secsvcs.',
    'SECSVCS',
    'ü.secsvcs',
    'a b.secsvcs',
  ])
    assert.ok(!isPermitted(permitted, name), name);
  for (const name of [
    'evil\0.secsvcs',
    'evil, DNS:a.secsvcs',
    'secsvcs\n',
    'x*.secsvcs',
    'a.*.secsvcs',
    long,
    longer,
  ])
    assert.ok(!isPermitted(permitted, name), name);
});

test('who still takes a common name without a dot for a host’s is not protected by constraints, as docs/private-ca.md says', async () => {
  // OpenSSL holds a common name against them only where it looks like a whole DNS name.
  assert.equal(
    await tlsSays(await makeLeaf(intermediate, [], { cn: 'websvcs' }), [intermediate], 'websvcs'),
    'ok',
  );
});

test('the common name of a client is bound by nothing, as docs/private-ca.md says', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return missing('openssl, to look at a client');
  const folder = mkdtempSync(join(tmpdir(), 'writ-x509-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const cn of ['grafana', 'websvcs.example.net']) {
    const leaf = await makeLeaf(intermediate, ['secsvcs'], { kind: 'client', cn });
    for (const [name, { pem }] of Object.entries({ root, intermediate, leaf }))
      writeFileSync(join(folder, name), pem);
    const words = ['-purpose', 'sslclient', '-CAfile', 'root', '-untrusted', 'intermediate', 'leaf'];
    assert.equal(spawnSync('openssl', ['verify', ...words], { cwd: folder }).status, 0, cn);
  }
});

test('an intermediate makes no other, and a leaf nothing', async () => {
  const {
    der: mine,
    key,
    publicKey,
  } = await makeIntermediate({ ...intermediate, publicKey: intermediate.publicKey }, permit(['websvcs']));
  const below = { der: mine, pem: toPem(mine), key, publicKey, subject: 'test intermediate' };
  const leaf = await makeLeaf(below, ['websvcs']);
  const said = await tlsSays(leaf, [below, intermediate], 'websvcs');
  assert.notEqual(said, 'ok');
});

test('what is written is what other readers read', async () => {
  const leaf = await makeLeaf(intermediate, ['postgres', '192.168.20.11'], { kind: 'client' });
  const read = new X509Certificate(leaf.pem);
  assert.equal(read.subjectAltName, 'DNS:postgres, IP Address:192.168.20.11');
  assert.equal(read.ca, false);
  assert.deepEqual(read.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.ok(read.verify(intermediate.publicKey));
  assert.ok(read.checkIssued(new X509Certificate(intermediate.pem)));
  const above = new X509Certificate(intermediate.pem);
  assert.ok(above.ca && above.verify(root.publicKey) && above.checkIssued(new X509Certificate(root.pem)));
  const own = readCertificate(new Uint8Array(above.raw));
  assert.ok(own.ok);
  assert.deepEqual(own.value.permitted, permitted);
  assert.deepEqual([own.value.isAuthority, own.value.notAfter], [true, above.validToDate.getTime()]);
  assert.deepEqual(own.value.spki, spkiOf(intermediate.publicKey));
  assert.deepEqual(own.value.issuer, nameOf('test root'));
  const der = fromPem(leaf.pem);
  assert.ok(der.ok && Buffer.compare(der.value, leaf.der) === 0);
});

test('times from 2050 on have four digits of the year', async () => {
  const notAfter = Date.UTC(2051, 1, 3, 4, 5, 6);
  const der = await issueCertificate(
    {
      kind: 'server',
      serial: randomBytes(16),
      subject: 'x',
      spki: spkiOf(root.publicKey),
      notBefore: Date.UTC(2049, 11, 31),
      notAfter,
      issuer: await issuerOf(root.publicKey, root.subject),
      names: ['x'],
    },
    (bytes) => sign('sha256', bytes, root.key),
  );
  assert.equal(new X509Certificate(der).validToDate.getTime(), notAfter);
  const read = readCertificate(der);
  assert.ok(read.ok && read.value.notAfter === notAfter);
});

test('no bytes make the reader throw', async () => {
  for (let at = 0; at < intermediate.der.length; at += 1) {
    const bytes = intermediate.der.slice();
    bytes[at]! ^= 1 << (at % 8);
    readCertificate(bytes);
    readCertificate(intermediate.der.slice(0, at));
  }
});

test('which names an intermediate permits', () => {
  assert.deepEqual(permit(['b', 'x.b', 'a', '10.0.0.1', 'a']), { dns: ['a', 'b'], ips: ['10.0.0.1'] });
  const none = { dns: [], ips: [] };
  assert.equal(isPermitted(none, 'a'), false);
  assert.equal(isPermitted(permitted, 'xsecsvcs'), false);
  assert.equal(isPermitted(permitted, 'a.secsvcs'), true);
  assert.equal(isPermitted(permitted, '192.168.20.12'), false);
});

if (spawnSync('openssl', ['version']).error !== undefined) missing('openssl, which verifies certificates');
else {
  const folder = mkdtempSync(join(tmpdir(), 'writ-x509-'));
  after(() => rmSync(folder, { recursive: true }));
  test('openssl verifies what is permitted, strictly, and refuses what is not', async () => {
    const verify = (leaf: Held, above: Held): string => {
      for (const [name, { pem }] of Object.entries({ root, above, leaf }))
        writeFileSync(join(folder, name), pem);
      const files = ['root', 'above', 'leaf'].map((name) => join(folder, name));
      const ran = spawnSync('openssl', [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        files[0]!,
        '-untrusted',
        files[1]!,
        files[2]!,
      ]);
      return ran.status === 0 ? 'ok' : ran.stderr.toString();
    };
    const names = ['postgres', 'secsvcs', '192.168.20.11'];
    assert.equal(verify(await makeLeaf(intermediate, names), intermediate), 'ok');
    assert.match(
      verify(await makeLeaf(intermediate, ['websvcs']), intermediate),
      /permitted subtree violation/,
    );
    assert.match(
      verify(await makeLeaf(intermediate, ['192.168.20.12']), intermediate),
      /permitted subtree violation/,
    );
    assert.match(verify(await makeLeaf(without, ['10.0.0.1']), without), /excluded subtree violation/);
    const none = await makeIntermediate(root, permit([]));
    assert.match(verify(await makeLeaf(none, ['a']), none), /excluded subtree violation/);
    const told = execFileSync('openssl', [
      'x509',
      '-in',
      join(folder, 'above'),
      '-noout',
      '-text',
    ]).toString();
    assert.match(told, /Name Constraints: critical/);
  });
}
