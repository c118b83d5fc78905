import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeLeafKey } from '../../../relay/deploy/leaves/leaf-issuer.ts';
import { generateKey } from '../../../schema/jose/keys.ts';
import { startDeployHome, textOf } from '../../support/deploy-home.ts';
import { smallHome } from '../../support/repo-fixture.ts';
import { makeSecretsDesk, reportBy } from '../../support/secrets-desk.ts';

const webApp = (more: string): string =>
  `on: websvcs\nunits: [web.container]\n${more}files:\n  - { from: web.ini.j2, to: /etc/opt/web/web.ini }\n`;

test('from ca init to a leaf on a target, through a real control plane and relay', async (t) => {
  const home = await startDeployHome(t);
  const { repo, configDir, writ } = home;
  const ca = (...words: string[]) => writ(['ca', ...words, '--repo', repo]);
  const certs = 'certs: [{ name: tls, to: /etc/opt/web/tls/ }]\n';
  home.edit('apps/web/app.yaml', webApp(certs));
  const without = await home.deploy();
  assert.equal(without.exit, 3);
  assert.match(
    without.err,
    /no intermediate for the certificates of web on websvcs[\s\S]*writ ca init[\s\S]*\(authority_missing\)/,
  );
  assert.match((await ca('sign', '--yes')).err, /writ ca init/);

  const made = await ca('init');
  assert.equal(made.exit, 0, made.err);
  assert.equal(statSync(join(configDir, 'ca.json')).mode & 0o777, 0o600);
  const root = new X509Certificate(textOf(home, 'ca/root.pem'));
  assert.ok(root.ca && root.verify(root.publicKey));
  assert.match((await ca('init')).out, /had a private CA already/);
  assert.equal(textOf(home, 'ca/root.pem'), root.toString());
  const listed = await ca('list');
  assert.equal(listed.exit, 1);
  assert.match(listed.out, /^pve2 {2}not signed/m);

  await home.until(['targets', '--json'], /websvcs|\{/);
  let signed = await ca('sign', '--yes');
  // The relay tells its key with its next report.
  while (signed.exit === 5) signed = await ca('sign', '--yes');
  assert.equal(signed.exit, 0, signed.err);
  assert.match(
    signed.err,
    /^pve2 {2}key [0-9a-f]{16} {2}for web, websvcs, websvcs\.example\.net, 192\.168\.20\.12$/m,
  );
  const issuer = new X509Certificate(textOf(home, 'ca/pve2.pem'));
  assert.ok(issuer.verify(root.publicKey) && issuer.checkIssued(root));
  const years = (issuer.validToDate.getTime() - Date.now()) / (365 * 86_400_000);
  assert.ok(years > 1.9 && years < 2.1);
  assert.match((await ca('sign', '--yes')).out, /Every host that needs an intermediate has one/);
  assert.equal((await ca('list')).exit, 0);

  const done = await home.deploy();
  assert.equal(done.exit, 0, done.err);
  const leaf = new X509Certificate(home.machine.text('/etc/opt/web/tls/cert.pem')!);
  assert.ok(leaf.verify(issuer.publicKey));
  assert.equal(home.machine.text('/etc/opt/web/tls/ca.pem'), root.toString());
  const told = await home.until(['targets', '--json'], /"certificates": ?\[\s*\{/);
  const { targets } = JSON.parse(told) as { targets: { target: string; certificates: object[] }[] };
  assert.deepEqual(targets.find(({ target }) => target === 'websvcs')!.certificates, [
    { app: 'web', name: 'tls', expires: leaf.validToDate.getTime() },
  ]);

  // More names are another intermediate, and the plan says so.
  home.edit('apps/web/app.yaml', webApp('certs: [{ name: tls, names: [shop], to: /etc/opt/web/tls/ }]\n'));
  const check = await writ(['config', 'check', '--repo', repo]);
  assert.match(check.out + check.err, /ca\/pve2\.pem does not permit shop/);
  assert.equal((await ca('list')).exit, 1);
  assert.equal((await home.deploy()).exit, 1);
  assert.equal((await ca('sign', '--yes')).exit, 0);
  const plan = await writ(['plan', '--live', '--repo', repo]);
  assert.match(plan.out, /renewed by another intermediate/, plan.err);
  const again = await home.deploy();
  assert.equal(again.exit, 0, again.err);
  assert.match(
    new X509Certificate(home.machine.text('/etc/opt/web/tls/cert.pem')!).subjectAltName!,
    /DNS:shop/,
  );

  // Whoever can write to the repo cannot put a root of their own there.
  const other = await makeSecretsDesk(t, { ...smallHome });
  await other.writ(['ca', 'init']);
  home.edit('ca/root.pem', Buffer.from(other.read('ca/root.pem')).toString());
  const foreign = await home.deploy();
  assert.equal(foreign.exit, 3);
  assert.match(foreign.err, /\(authority_untrusted\)/);
});

const tree = {
  ...smallHome,
  'apps/web/app.yaml': `${smallHome['apps/web/app.yaml']}certs: [{ name: tls, to: /etc/opt/web/tls/ }]\n`,
};

test('a key is signed by the word of the enrolled relay alone', async (t) => {
  const desk = await makeSecretsDesk(t, tree);
  await desk.writ(['ca', 'init']);
  const { relays } = desk.fixture;
  const { key } = makeLeafKey();
  const sign = async (jws: string) => {
    desk.write('report.jws', jws);
    return desk.writ(['ca', 'sign', '--yes', '--report', join(desk.repo, 'report.jws')]);
  };
  const unknown = await generateKey();
  const stranger = await sign(await reportBy(unknown.signing, { relay: 'pve1', authority: key }));
  assert.equal(stranger.exit, 3);
  assert.match(stranger.err, /\(report_unverified\)/);
  const impostor = await sign(await reportBy(relays.pve2, { relay: 'pve1', authority: key }));
  assert.match(impostor.err, /\(report_foreign\)/);
  assert.equal(existsSync(join(desk.repo, 'ca/pve1.pem')), false);
  const silent = await sign(await reportBy(relays.pve1, { relay: 'pve1' }));
  assert.match(silent.err, /\(authority_key_unknown\)/);
  const good = await sign(await reportBy(relays.pve1, { relay: 'pve1', authority: key }));
  assert.equal(good.exit, 0, good.err);
  const issuer = new X509Certificate(Buffer.from(desk.read('ca/pve1.pem')));
  assert.equal(issuer.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'), key);
  // Another key of the same relay, such as after it was enrolled anew.
  const next = makeLeafKey();
  const renewed = await sign(await reportBy(relays.pve1, { relay: 'pve1', seq: 2, authority: next.key }));
  assert.equal(renewed.exit, 0, renewed.err);
  const again = new X509Certificate(Buffer.from(desk.read('ca/pve1.pem')));
  assert.equal(again.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'), next.key);
});

test('the root is sealed by a passphrase, and signs nothing without it', async (t) => {
  const desk = await makeSecretsDesk(t, tree);
  const homeFile = join(desk.config, 'home.json');
  writeFileSync(homeFile, readFileSync(homeFile, 'utf8').replace(/"trial": ?true/, '"trial":false'));
  const [right, wrong] = ['right', 'wrong'].map((name) => join(desk.config, `${name}.txt`)) as [
    string,
    string,
  ];
  writeFileSync(right, 'correct horse battery staple\n');
  writeFileSync(wrong, 'something else altogether\n');
  const made = await desk.writ(['ca', 'init', '--passphrase-file', right]);
  assert.equal(made.exit, 0, made.err);
  assert.doesNotMatch(readFileSync(join(desk.config, 'ca.json'), 'utf8'), /PRIVATE KEY/);
  desk.write(
    'report.jws',
    await reportBy(desk.fixture.relays.pve1, { relay: 'pve1', authority: makeLeafKey().key }),
  );
  const sign = (file: string) =>
    desk.writ(['ca', 'sign', '--yes', '--report', join(desk.repo, 'report.jws'), '--passphrase-file', file]);
  const refused = await sign(wrong);
  assert.equal(refused.exit, 3);
  assert.match(refused.err, /\(passphrase_wrong\)/);
  assert.equal(existsSync(join(desk.repo, 'ca/pve1.pem')), false);
  assert.equal((await sign(right)).exit, 0);
});
