import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
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
    'wget -nv -T 20 -t 2 -O writ-relay.deb --no-check-certificate https://203.0.113.7:8420/install/writ-relay.deb && ' +
      `echo '${'ab'.repeat(32)}  writ-relay.deb' | sha256sum -c --quiet && ` +
      'S=$(command -v sudo || true) && ' +
      '{ apt-cache show nodejs >/dev/null 2>&1 || $S apt-get -q update || true; } && ' +
      '$S apt-get install -y ./writ-relay.deb && $S writ-relay setup writ-enrol.x',
  );
  assert.equal(lineFor('writ-enrol.x', 'https://203.0.113.7:8420', null), 'writ-relay enroll writ-enrol.x');
});

/** Runs a host's line in a shell whose programs are stand-ins that tell how they were called. */
function runLine(
  t: TestContext,
  machine: { readonly has: readonly string[]; readonly knowsNode: boolean; readonly answers: boolean },
): { readonly status: number | null; readonly calls: readonly string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'writ-line-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const stand = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const noted = (name: string): string => `echo "${name} $*" >> "${folder}/calls"`;
  stand('wget', machine.answers ? 'while [ "$1" != -O ]; do shift; done; printf deb > "$2"' : 'exit 4');
  stand('apt-cache', machine.knowsNode ? 'exit 0' : 'exit 100');
  stand('apt-get', `${noted('apt-get')}; [ "$2" != update ]`);
  stand('writ-relay', noted('writ-relay'));
  if (machine.has.includes('sudo')) stand('sudo', `${noted('sudo')}; exec "$@"`);
  for (const tool of ['sh', 'sha256sum']) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
  const sha256 = createHash('sha256').update('deb').digest('hex');
  const line = lineFor('writ-enrol.x', 'https://203.0.113.7:8420', { version: '1.0.0', sha256 });
  const { status } = spawnSync('/bin/sh', ['-c', line], { cwd: folder, env: { PATH: bin } });
  const calls = join(folder, 'calls');
  return { status, calls: existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [] };
}

test('the line for a host runs as root without sudo, as Proxmox VE is', (t) => {
  const ran = runLine(t, { has: [], knowsNode: true, answers: true });
  assert.deepEqual(ran, {
    status: 0,
    calls: ['apt-get install -y ./writ-relay.deb', 'writ-relay setup writ-enrol.x'],
  });
});

test('the line for a host fetches lists of packages where there are none, and uses sudo where it is', (t) => {
  const ran = runLine(t, { has: ['sudo'], knowsNode: false, answers: true });
  assert.equal(ran.status, 0);
  assert.deepEqual(
    ran.calls.filter((call) => call.startsWith('sudo')),
    [
      'sudo apt-get -q update',
      'sudo apt-get install -y ./writ-relay.deb',
      'sudo writ-relay setup writ-enrol.x',
    ],
  );
});

test('the line for a host does nothing where the control plane does not answer', (t) => {
  const ran = runLine(t, { has: ['sudo'], knowsNode: true, answers: false });
  assert.deepEqual(ran, { status: 4, calls: [] });
});
