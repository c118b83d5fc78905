import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLog } from '../../../src/http/log.ts';
import { type KeyAndCertificate, makeCertificate, pinOf } from '../../../src/node/certificate.ts';
import { loadControllerKey } from '../../../src/node/controller-key.ts';
import { makePrivateFolder, writePrivateFile } from '../../../src/node/private-files.ts';
import { loadOwnCertificate } from '../../../src/node/tls-files.ts';
import { watchCertificate } from '../../../src/node/watch-certificate.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'writ-files-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a private file is its owner’s alone, and never replaces or follows what is there', async (t) => {
  const path = join(folder(t), 'key');
  const previous = process.umask(0);
  t.after(() => process.umask(previous));
  await writePrivateFile(path, 'first');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(writePrivateFile(path, 'second'), { code: 'EEXIST' });
  assert.equal(readFileSync(path, 'utf8'), 'first');
  const victim = join(folder(t), 'victim');
  writeFileSync(victim, 'theirs');
  const planted = join(folder(t), 'key');
  symlinkSync(victim, `${planted}.part`);
  await assert.rejects(writePrivateFile(planted, 'secret'), { code: 'ELOOP' });
  assert.equal(readFileSync(victim, 'utf8'), 'theirs');
  const made = join(folder(t), 'data');
  await makePrivateFolder(made);
  assert.equal(statSync(made).mode & 0o777, 0o700);
});

test('the controller’s key is made once, while nobody has claimed the instance', async (t) => {
  const dataDir = folder(t);
  const refused = await loadControllerKey(dataDir, true);
  assert.equal(!refused.ok && refused.reason, 'controller_key_missing');
  const made = await loadControllerKey(dataDir, false);
  const read = await loadControllerKey(dataDir, true);
  assert.ok(made.ok && read.ok);
  assert.equal(made.value.kid, read.value.kid);
});

test('half a certificate is no reason to make another key', async (t) => {
  const dataDir = folder(t);
  const made = await loadOwnCertificate(dataDir, [], new Date());
  assert.ok(made.ok);
  rmSync(join(dataDir, 'tls.crt'));
  const half = await loadOwnCertificate(dataDir, [], new Date());
  assert.equal(!half.ok && half.reason, 'certificate_unusable');
});

test('a given certificate is read anew when it changed, and only when its halves fit', async (t) => {
  const path = folder(t);
  const files = { certFile: join(path, 'tls.crt'), keyFile: join(path, 'tls.key') };
  const [old, renewed] = [
    await makeCertificate(['a.example'], new Date()),
    await makeCertificate(['a.example'], new Date()),
  ];
  writeFileSync(files.certFile, old.certificatePem);
  writeFileSync(files.keyFile, old.keyPem);
  const passedOver = Promise.withResolvers<void>();
  const used = Promise.withResolvers<KeyAndCertificate>();
  const log = createLog({
    now: () => 0,
    write: ({ event }) => {
      if (event === 'certificate_not_reloaded') passedOver.resolve();
    },
  });
  const stop = watchCertificate(files, log, used.resolve, 10);
  t.after(stop);
  writeFileSync(files.certFile, renewed.certificatePem);
  const keepAwake = setInterval(() => {}, 1_000);
  t.after(() => clearInterval(keepAwake));
  await passedOver.promise;
  writeFileSync(files.keyFile, renewed.keyPem);
  assert.equal(pinOf((await used.promise).certificatePem), pinOf(renewed.certificatePem));
});

test('a folder that no file system takes is refused, at once', { timeout: 10_000 }, async (t) => {
  const base = folder(t);
  await makePrivateFolder(join(base, 'a', 'b'));
  assert.equal(statSync(join(base, 'a')).mode & 0o777, 0o700);
  await makePrivateFolder(join(base, 'a', 'b'));
  writeFileSync(join(base, 'file'), '');
  await assert.rejects(makePrivateFolder(join(base, 'file')), { code: 'EEXIST' });
  await assert.rejects(makePrivateFolder(join(base, 'file', 'below')), { code: /EEXIST|ENOTDIR/ });
  if (process.platform !== 'linux') return;
  for (const path of ['/proc/nope', '/proc/nope/below']) {
    await assert.rejects(makePrivateFolder(path), { code: 'ENOENT' }, path);
  }
});
