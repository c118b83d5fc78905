import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineFor } from '../../../src/cli/commands/relays-add.ts';
import { relayPackageOf } from '../../../src/node/relay-package.ts';
import { callOrigin } from '../../support/claimed-server.ts';
import { startTestServer } from '../../support/control.ts';

test('the control plane gives the relay’s package to anyone, and says so where it has none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-package-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'writ-relay.deb');
  writeFileSync(file, 'debian package');
  const call = { method: 'GET', url: '/install/writ-relay.deb' };
  const with_ = await callOrigin((await startTestServer(t, { relayPackage: file })).origin, call);
  assert.equal(with_.status, 200);
  assert.equal(with_.headers['content-type'], 'application/vnd.debian.binary-package');
  assert.equal(with_.text, 'debian package');
  const without = await callOrigin((await startTestServer(t)).origin, call);
  assert.equal(without.status, 404);
  assert.equal(without.json().code, 'package_missing');
});

test('a file that is missing or far too large is no package', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-package-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const huge = join(folder, 'huge');
  writeFileSync(huge, '');
  truncateSync(huge, 17 * 1024 * 1024);
  assert.equal(await relayPackageOf(huge)(), null);
  assert.equal(await relayPackageOf(join(folder, 'none'))(), null);
});

test('the line for a host checks the digest that the program was built with before it installs', () => {
  const built = { version: '1.0.0', sha256: 'ab'.repeat(32) };
  assert.equal(
    lineFor('writ-enrol.x', 'https://203.0.113.7:8420', built),
    'wget -qO writ-relay.deb --no-check-certificate https://203.0.113.7:8420/install/writ-relay.deb && ' +
      `echo '${'ab'.repeat(32)}  writ-relay.deb' | sha256sum -c --quiet && ` +
      'sudo apt-get install -y ./writ-relay.deb && sudo writ-relay setup writ-enrol.x',
  );
  assert.equal(lineFor('writ-enrol.x', 'https://203.0.113.7:8420', null), 'writ-relay enroll writ-enrol.x');
});
