import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { linesOf, passphrases, startLife } from './life.ts';

/** A third host, which also sleeps, and which nobody lets the second computer wake. */
const house = `v: 1
hosts:
  pve1: { title: the small server, proxmox: false }
${['pve2', 'pve3']
  .map(
    (name, index) => `  ${name}:
    proxmox: false
    sleeps: true
    mac: 02:00:5e:10:00:0${index + 2}
    wake_via: pve1
    wake_address: 127.0.0.1:40009
`,
  )
  .join('')}`;
const page = 'a-second-computer.md';
const withPassphrase = [[/^Passphrase/, passphrases.first]] as const;
const wordIn = (text: string, prefix: string): string =>
  new RegExp(`${prefix}\\.[A-Za-z0-9_-]+`).exec(text)?.[0] ?? assert.fail(`no ${prefix} in ${text}`);

test('threat 11: docs/a-second-computer.md: a key of its own orders what trust grants it, and API and relay refuse the rest', async (t) => {
  const life = await startLife(t, house);
  const { desk } = life;
  const laptop = life.anotherDesk('laptop');
  const lines = linesOf(page);
  assert.equal(lines.length, 5, 'every line of the page is played');
  const [make, name, join_, wake, revoke] = lines as [string, string, string, string, string];

  const made = await laptop.does(make);
  const key = wordIn(made.out, 'writ-key');
  assert.equal(wordIn((await laptop.does(make)).out, 'writ-key'), key, 'the same until it has joined');
  const print = /[0-9A-Z]{4}(-[0-9A-Z]{4}){3}/.exec(made.out)![0];
  const early = await laptop.writ('writ status');
  assert.match(early.err, /no_home/);

  const added = await desk.does(name.replace('writ-key.…', key), withPassphrase);
  assert.ok(added.err.includes(`laptop (${print}) is new.`), added.err);
  assert.match(added.err, /laptop may wake pve2, at most 6 times in an hour\./);
  const code = wordIn(added.out, 'writ-desk');

  // Neither a code of other trust, nor one of which a letter is missing.
  const cut = await laptop.writ(join_.replace('writ-desk.…', code.slice(0, -3)));
  assert.equal(cut.exit, 2);
  const stranger = life.anotherDesk('stranger');
  await stranger.does(make);
  const refused = await stranger.writ(join_.replace('writ-desk.…', code));
  assert.notEqual(refused.exit, 0);
  assert.equal(existsSync(join(stranger.config, 'home.json')), false, 'nothing is kept');

  const joined = await laptop.does(join_.replace('writ-desk.…', code));
  assert.match(joined.out, /This computer is laptop of h_/);
  assert.equal((await laptop.trust()).digest, (await desk.trust()).digest);

  const relays = [await life.start('pve1'), await life.start('pve2')];
  for (const relay of relays) await relay.follows(3);
  await laptop.shows('writ status', /pve1/);
  const woken = await laptop.does(wake);
  assert.match(woken.out, /Verified against the receipts of its relays/);

  const elsewhere = await laptop.writ('writ wake pve3');
  assert.equal(elsewhere.exit, 3, elsewhere.out);
  assert.match(elsewhere.err, /Trust does not grant laptop host\.wake on pve3\./);
  for (const line of [
    'writ tokens create phone --scope status',
    'writ tokens list',
    'writ relays add pve3',
    'writ house show',
  ]) {
    const ran = await laptop.writ(line);
    assert.equal(ran.exit, 3, `${line}\n${ran.out}${ran.err}`);
    assert.match(ran.err, /\(forbidden\)/, line);
  }
  const signing = await laptop.writ('writ trust revoke operator2 --yes');
  assert.notEqual(signing.exit, 0);
  const rights = await laptop.writ('writ trust add-notary pve1 --yes');
  assert.equal(rights.exit, 3);
  assert.match(rights.err, /no root key on this computer[\s\S]*root_not_here/);
  assert.equal((await desk.trust()).document.version, 3);

  // Whoever brings what it signed, and whatever the control plane says of it: the relay judges for itself.
  for (const relay of relays) await relay.stop();
  const own = await life.operatorOf(laptop);
  assert.equal(await life.judge('pve1', { target: 'pve2' }, own), 'allowed');
  assert.equal(await life.judge('pve1', { target: 'pve3' }, own), 'denied: not_granted');

  const [relay] = [await life.start('pve1')];
  const revoked = await desk.does(revoke, withPassphrase);
  assert.match(revoked.err, /laptop is revoked: nothing that it signs counts/);
  await relay.follows(4);
  const late = await laptop.writ(wake);
  assert.equal(late.exit, 3);
  assert.match(late.err, /credentials_invalid/);
  await relay.stop();
  assert.match(await life.judge('pve1', { target: 'pve2' }, own), /authorisation/);
});
