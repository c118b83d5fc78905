import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../../schema/jose/digest.ts';
import { permit } from '../../../schema/x509/names.ts';
import { buildTree, smallHome } from '../../support/repo-fixture.ts';
import { makeIntermediate, makeRoot } from '../../support/test-authority.ts';

const root = await makeRoot();
const fit = await makeIntermediate(root, permit(['websvcs', 'websvcs.example.net', 'web', '192.168.20.11']));
const app = (cert: string) => ({
  'apps/web/app.yaml': `${smallHome['apps/web/app.yaml']}certs: [{ name: tls, to: /etc/opt/web/tls/${cert} }]\n`,
});
const ca = { 'ca/root.pem': toBytes(root.pem), 'ca/pve1.pem': toBytes(fit.pem) };
const told = async (changes: Parameters<typeof buildTree>[1]) =>
  (await buildTree(smallHome, changes)).findings.map(
    ({ severity, code, message }) => `${severity} ${code} ${message}`,
  );

test('parts with certificates bring root and intermediate along, and others do not', async () => {
  const { release, findings } = await buildTree(smallHome, { ...app(''), ...ca });
  assert.deepEqual(findings, []);
  assert.deepEqual(release!.manifest.parts[0]!.authority, { root: root.pem, issuer: fit.pem });
  const without = await buildTree(smallHome, ca);
  assert.equal(without.release!.manifest.parts[0]!.authority, undefined);
});

test('a certificate with the name or the address of another machine is an error', async () => {
  for (const name of [
    'secsvcs',
    'secsvcs.example.net',
    'db.secsvcs',
    '192.168.20.12',
    'pve1',
    '192.168.20.1',
  ]) {
    const [first, ...more] = await told(app(`, names: [${name}]`));
    assert.match(first!, /^error cert_name_foreign .* and this certificate would be on websvcs$/, name);
    assert.deepEqual(more, []);
  }
  assert.deepEqual(await told(app(', names: [notsecsvcs, shop.example.net, db.websvcs]')), []);
});

test('what is in ca/ is held against what the certificates need', async () => {
  const says = async (changes: Parameters<typeof buildTree>[1], expected: RegExp) => {
    const all = await told({ ...app(''), ...ca, ...changes });
    assert.equal(all.length, 1, all.join('\n'));
    assert.match(all[0]!, expected);
  };
  await says({ 'ca/pve1.pem': undefined }, /^warning ca_missing there is no ca\/pve1\.pem /);
  await says({ 'ca/root.pem': undefined }, /^warning ca_missing there is no ca\/root\.pem /);
  await says({ 'ca/x.pem': toBytes('x') }, /^warning ca_unused /);
  await says({ 'ca/pve1.pem': toBytes('x') }, /^warning ca_malformed /);
  await says(app(', names: [shop]'), /^warning ca_names ca\/pve1\.pem does not permit shop$/);
  assert.deepEqual(await told({ ...app('') }), []);
});
