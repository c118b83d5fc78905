import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TrustChain } from '../../schema/wire/relay-api.ts';
import { readHome } from '../../src/cli/home.ts';
import { type Answers, linesOf, passphrases, startLife } from './life.ts';

test('threat 11: docs/lost-desk.md takes the home back from paper, relays follow without enrolling, and the lost desk is nobody', async (t) => {
  const life = await startLife(t);
  const { folder, desk: lost } = life;
  const relays = [await life.start('pve1'), await life.start('pve2')];
  for (const relay of relays) await relay.follows(2);
  const keys = relays.map(({ kid }) => kid);
  await lost.does('writ wake pve2');

  const lines = linesOf('lost-desk.md');
  assert.equal(lines.length, 4, 'every line of the page is played');
  const [fetch, recover, compare, list] = lines as [string, string, string, string];
  assert.equal(fetch, 'ssh root@pve1 cat /var/lib/writ-relay/trust.json > trust.jws');
  cpSync(join(life.stateOf('pve1'), 'trust.json'), join(folder, 'trust.jws'));

  const desk = life.anotherDesk('new-desk');
  const typed: Answers = [
    [/on paper/, life.paper],
    [/^Passphrase|^Once/, passphrases.second],
  ];
  // Whoever holds another paper gets nothing, and leaves nothing behind.
  const wrong = await desk.writ(recover, [
    [/on paper/, life.paper.replace(/^./, (first) => (first === '0' ? '1' : '0'))],
    [/./, 'y'],
  ]);
  assert.equal(wrong.exit, 2, wrong.err);
  assert.match(wrong.err, /misread/);
  assert.equal(existsSync(desk.config) || existsSync(`${desk.config}.recovering`), false);
  const unlike = await desk.writ(recover, [[/digest/, 'n']]);
  assert.match(unlike.err, /not_confirmed/);

  const shown = await life.console('pve1', compare);
  const recovered = await desk.does(recover, typed);
  const digest = /sha256:[0-9a-f]{64}/.exec(recovered.err)![0];
  assert.ok(shown.out.includes(digest), 'the host shows the digest that is to be compared');
  assert.match(recovered.err, /root-desk is replaced[\s\S]*operator has another key/);
  assert.match(recovered.out, /is yours again, by trust version 3/);

  for (const relay of relays) await relay.follows(3);
  assert.deepEqual(
    relays.map(({ kid }) => kid),
    keys,
  );
  await desk.shows(list, /pve1 +admitted .* trust 3[\s\S]*pve2 +admitted .* trust 3/);
  assert.match((await desk.does('writ wake pve2')).out, /awake/i);

  // The lost computer: its operator key, and its root even with the passphrase.
  assert.match((await lost.writ('writ status')).err, /credentials_invalid/);
  const offline = await lost.writ('writ trust sign --offline', [[/^Passphrase/, passphrases.first]]);
  assert.equal(offline.exit, 0, 'there nobody knows yet');
  await lost.does('writ trust publish stolen.jws --offline');
  for (const relay of relays) await relay.stop();
  const stolen = JSON.parse(readFileSync(join(folder, 'stolen.jws'), 'utf8')) as TrustChain;
  const first = await life.console('pve1', 'writ-relay trust install stolen.jws');
  assert.match(first.out, /nothing newer in it: version 3 stays/);
  await lost.does('writ trust sign --offline', [[/^Passphrase/, passphrases.first]]);
  await lost.does('writ trust publish stolen.jws --offline');
  const second = await life.console('pve1', 'writ-relay trust install stolen.jws --json');
  assert.equal((JSON.parse(second.out) as { code: string }).code, 'trust_threshold');
  assert.equal(stolen.versions.length, 3);
  const operators = await Promise.all([lost, desk].map(({ config }) => readHome(config)));
  const verdicts = [];
  for (const home of operators) {
    assert.ok(home.ok);
    verdicts.push(await life.judge('pve1', {}, home.value.operator));
  }
  assert.deepEqual(verdicts, ['dropped: authorisation_invalid', 'allowed']);

  // The paper stays valid, and so does the desk that was made from it.
  await desk.does('writ trust sign --paper', [[/on paper/, life.paper]]);
  await desk.does('writ trust sign', [[/^Passphrase/, passphrases.second]]);
  await desk.does('writ trust publish trust.jws');
  const whole = JSON.parse(readFileSync(join(folder, 'trust.jws'), 'utf8')) as TrustChain;
  assert.equal(whole.versions.length, 5, 'the versions before the recovery come from the control plane');
});

test('a recovery that cannot reach the control plane waits, and an old file is told as such', async (t) => {
  const life = await startLife(t);
  const { folder, desk: lost } = life;
  await lost.does('writ trust publish old.jws');
  await lost.does('writ trust sign', [[/^Passphrase/, passphrases.first]]);
  await lost.does('writ trust publish trust.jws');

  const desk = life.anotherDesk('new-desk');
  const typed: Answers = [
    [/on paper/, life.paper],
    [/^Passphrase|^Once/, passphrases.second],
  ];
  const old = await desk.writ('writ trust recover old.jws', typed);
  assert.equal(old.exit, 3, old.err);
  assert.match(old.err, /The file may be old[\s\S]*nothing has changed[\s\S]*keys of version/);
  assert.equal(existsSync(`${desk.config}.recovering`), false);
  writeFileSync(join(folder, 'none.jws'), '{"versions":[]}');
  assert.match((await desk.writ('writ trust recover none.jws')).err, /trust_file_invalid/);

  await life.closeApi();
  const away = await desk.writ('writ trust recover trust.jws', typed);
  assert.equal(away.exit, 4, away.err);
  assert.match(away.err, /run the same command again/);
  assert.ok(existsSync(`${desk.config}.recovering`) && !existsSync(desk.config));
  await life.openApi();
  const again = await desk.does('writ trust recover trust.jws');
  assert.match(again.out, /is yours again, by trust version 4/);
  assert.match((await desk.does('writ trust show')).out, /version 4/);
});
