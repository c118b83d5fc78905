import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import { callOrigin } from '../support/claimed-server.ts';
import { linesOf, passphrases, startLife } from './life.ts';

const page = 'revoke.md';
const withPassphrase = [[/^Passphrase/, passphrases.first]] as const;

test('threat 25: docs/revoke.md takes a token’s rights from its next request on', async (t) => {
  const life = await startLife(t);
  const { desk } = life;
  const made = await desk.does('writ tokens create iphone --scope status --json');
  const { id, token } = JSON.parse(made.out) as { id: string; token: string };
  const ask = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    return (await callOrigin(life.origin, { method: 'GET', url: '/v1/status', headers })).status;
  };
  assert.equal(await ask(), 200);
  const [list, revoke] = linesOf(page, "A phone's token") as [string, string];
  assert.ok((await desk.does(list)).out.includes(id));
  await desk.does(revoke.replace(/tok_\S+/, id));
  assert.equal(await ask(), 401);
  assert.equal((await desk.trust()).document.version, 2, 'trust has not changed');
});

test('threat 11: a revoked key’s orders are refused by relays, and a revoked relay is nobody', async (t) => {
  const life = await startLife(t);
  const { desk, folder } = life;
  // By the lines of the page that tells how a key comes into trust.
  const [show, sign] = linesOf('change-trust.md', 'By hand') as [string, string];
  const { signing: laptop } = await generateKey();
  const [question, file] = show.split(' > ') as [string, string];
  const shown = JSON.parse((await desk.does(question)).out) as { document: TrustDocument };
  const may = [{ action: 'host.wake', on: ['pve2'], limit: '6/1h' }];
  shown.document.identities.laptop = { kind: 'key', jwk: laptop.jwk, may };
  writeFileSync(join(folder, file), JSON.stringify(shown));
  const signed = await desk.does(sign, withPassphrase);
  assert.match(signed.err, /laptop \(.*\) is new\.\nlaptop may wake pve2, at most 6 times in an hour\./);

  const relays = [await life.start('pve1'), await life.start('pve2')];
  const all = async (version: number): Promise<void> => {
    for (const relay of relays) await relay.follows(version);
  };
  await all(3);
  for (const relay of relays) await relay.stop();
  assert.equal(await life.judge('pve1', {}, laptop), 'allowed');

  const again = [await life.start('pve1'), await life.start('pve2')];
  const [revokeKey] = linesOf(page, 'A key') as [string];
  const revoked = await desk.does(revokeKey, withPassphrase);
  assert.match(revoked.err, /laptop is revoked: nothing that it signs counts/);
  for (const relay of again) await relay.follows(4);
  const [one, two] = again;
  await one!.stop();
  assert.equal(await life.judge('pve1', {}, laptop), 'dropped: authorisation_invalid');

  const [revokeHost] = linesOf(page, 'A host, or its disk') as [string];
  await desk.does(revokeHost, withPassphrase);
  assert.equal((await two!.until('poll_failed')).fields.code, 'credentials_invalid');
  assert.doesNotMatch((await desk.does('writ relays')).out, /pve2|pending/);
  await two!.stop();
  assert.match((await desk.does('writ trust show')).out, /pve2: .*no relay admitted yet/);
  await desk.does('writ trust publish trust.jws');
  assert.equal((await life.console('pve2', 'writ-relay trust install trust.jws')).exit, 0);
  const operator = await life.operatorOf(desk);
  const own = { relay: 'pve2', action: 'host.shutdown', target: 'pve2' };
  assert.equal(await life.judge('pve2', own, operator), 'dropped: not_admitted');

  const nothing = await desk.writ('writ trust revoke operator');
  assert.match(nothing.err, /writ trust rotate operator/);
  assert.match((await desk.writ('writ trust revoke root-desk')).err, /writ trust rotate desk/);
  assert.match((await desk.writ('writ trust revoke pve3')).err, /names no identity pve3\. Did you mean pve1/);
});

test('threat 5: a revocation that the control plane withholds reaches relays by the mirror', async (t) => {
  const life = await startLife(t);
  const { desk, folder } = life;
  const mirror = createServer((request, response) => {
    assert.equal(request.url, '/trust.jws');
    response.end(readFileSync(join(folder, 'trust.jws')));
  });
  await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    mirror.closeAllConnections();
    return new Promise((resolve) => mirror.close(resolve));
  });
  const house = join(folder, 'house.yaml');
  const url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/trust.jws`;
  writeFileSync(house, `${readFileSync(house, 'utf8')}mirror: ${url}\n`);
  await desk.does('writ trust sign house.yaml', withPassphrase);
  await desk.does('writ trust publish trust.jws');
  const relay = await life.start('pve1');
  await relay.follows(3);

  await life.closeApi();
  const [revoke, publish] = linesOf(page, 'The control plane') as [string, string];
  const revoked = await desk.does(revoke, withPassphrase);
  assert.ok(revoked.out.includes(url), 'it says where relays look');
  assert.ok((await desk.does(publish)).out.includes(`Put it at ${url}: relays look there every hour.`));
  await relay.stop();
  const again = await life.start('pve1');
  await again.follows(4);
  await again.stop();
  assert.equal(await life.judge('pve1', {}, await life.controller()), 'denied: not_granted');
});

test('threat 1: a control plane that was taken is stripped of its rights without asking it', async (t) => {
  const life = await startLife(t);
  const { desk } = life;
  const lines = linesOf(page, 'The control plane');
  assert.equal(lines.length, 7);
  const [revoke, publish, stop, install, start, hand, set] = lines as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const controller = await life.controller();
  const operator = await life.operatorOf(desk);
  assert.equal(await life.judge('pve1', {}, controller), 'dropped: not_admitted', 'it waits for version 2');
  const relay = await life.start('pve1');
  await relay.follows(2);
  await relay.stop();
  assert.equal(await life.judge('pve1', {}, controller), 'allowed');

  // It answers nothing from now on: nobody asks it.
  await life.closeApi();
  const revoked = await desk.does(revoke, withPassphrase);
  assert.match(revoked.err, /controller may no longer wake pve2, at most 6 times in an hour/);
  const published = await desk.does(publish);
  assert.match(
    published.out,
    /trust\.jws holds the versions 1 to 3[\s\S]*run writ-relay trust install there/,
  );
  assert.deepEqual(
    [stop, start],
    ['stop', 'start'].map((verb) => `sudo systemctl ${verb} writ-relay`),
  );
  const installed = await life.console('pve1', install);
  assert.match(installed.out, /Version 3 is in force/);
  assert.equal(await life.judge('pve1', {}, controller), 'denied: not_granted');
  assert.equal(await life.judge('pve1', {}, operator), 'allowed', 'what the owner signs goes on');

  // It is the owner's again.
  await life.openApi();
  assert.match((await desk.does(hand)).out, /control plane has trust version 3/);
  const restored = await desk.does(set, withPassphrase);
  assert.match(restored.err, /controller may wake pve2, at most 6 times in an hour/);
  const back = await life.start('pve1');
  await back.follows(4);
  await back.stop();
  assert.equal(await life.judge('pve1', {}, controller), 'allowed');
  assert.ok(readFileSync(join(life.folder, 'trust.jws'), 'utf8').length > 0);
});
