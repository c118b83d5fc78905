import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Recipients } from '../../../../schema/manifest/recipients.ts';
import { writeTrust } from '../../../../src/cli/home.ts';
import { makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { readAgeHeader } from '../../../../src/config/secrets/age-header.ts';
import { makeSecretsDesk, reportBy, type SecretsDesk } from '../../../support/secrets-desk.ts';
import { makeFixture } from '../home-fixture.ts';

const set = (desk: SecretsDesk, ...words: string[]) =>
  desk.writ(['secrets', 'set', 'db_password', '--on', 'secsvcs', '--from', '-', ...words], {
    input: 'canary',
  });

async function take(desk: SecretsDesk, jws: string, ...words: string[]) {
  const file = join(desk.config, 'report.jws');
  writeFileSync(file, jws);
  return desk.writ(['secrets', 'recipients', '--report', file, ...words]);
}

const recipientsOf = (desk: SecretsDesk): Recipients =>
  parse(new TextDecoder().decode(desk.read('secrets/recipients.yaml'))) as Recipients;

test('a report is taken with what it was verified by, and verified again before anything is encrypted', async (t) => {
  const desk = await makeSecretsDesk(t);
  assert.match((await set(desk)).err, /does not know your own recipient yet.*\(owner_unknown\)/s);
  await desk.admit();
  const { trust, relays } = desk.fixture;
  const { owner, machines } = recipientsOf(desk);
  assert.deepEqual(owner, [desk.owner.recipient]);
  assert.deepEqual(machines.secsvcs, {
    recipient: desk.machines.secsvcs.recipient,
    relay: 'pve1',
    kid: relays.pve1.kid,
    report: 5,
    trust: trust.digest,
  });
  assert.equal(
    new TextDecoder().decode(desk.read('secrets/secsvcs.jws')),
    `${await desk.reportOf('secsvcs')}\n`,
  );
  assert.equal((await set(desk)).exit, 0);
  const shown = await desk.writ(['secrets', 'recipients', '--offline']);
  assert.match(shown.out, /secsvcs +age1\w+ +report 5 of pve1$/m);
});

test('threat 30: a report that somebody else signed, for another machine or another home, is refused whole', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const thief = await makeIdentity('classic');
  const { relays, controller, operator } = desk.fixture;
  const recipients = { secsvcs: thief.recipient };
  const mine = await desk.reportOf('secsvcs', { seq: 9, recipients });
  const [head, , signature] = mine.split('.');
  const other = (await desk.reportOf('secsvcs', { seq: 10, recipients })).split('.')[1];
  const attacks: Readonly<Record<string, [jws: string, code: string]>> = {
    'another relay speaks for the guest': [
      await reportBy(relays.pve2, { relay: 'pve2', recipients }),
      'report_oversteps',
    ],
    'another relay in the name of the right one': [
      await reportBy(relays.pve2, { recipients }),
      'report_foreign',
    ],
    'the controller’s key': [await reportBy(controller, { recipients }), 'report_unverified'],
    'the operator’s key': [await reportBy(operator, { recipients }), 'report_unverified'],
    'another home': [
      await reportBy(relays.pve1, { recipients, home: 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' }),
      'report_foreign',
    ],
    'a guest that trust does not name': [
      await reportBy(relays.pve1, { recipients: { ...recipients, ghost: thief.recipient } }),
      'report_oversteps',
    ],
    'another payload under a true signature': [`${head}.${other}.${signature}`, 'report_unverified'],
    'no report at all': ['{}', 'report_unverified'],
    'a report without recipients': [await reportBy(relays.pve1, {}), 'report_without_recipients'],
    'a report of a relay on its own host and on another': [
      await reportBy(relays.pve1, { recipients: { pve1: thief.recipient, pve2: thief.recipient } }),
      'report_oversteps',
    ],
  };
  const before = desk.paths().map((path) => [path, desk.read(path)]);
  for (const [name, [jws, code]] of Object.entries(attacks)) {
    const ran = await take(desk, jws, '--yes');
    assert.equal(ran.exit, 3, `${name}: ${ran.out}${ran.err}`);
    assert.ok(ran.err.endsWith(`(${code})\n`), `${name}: ${ran.err}`);
    assert.deepEqual(
      desk.paths().map((path) => [path, desk.read(path)]),
      before,
      name,
    );
  }
  assert.equal((await set(desk)).exit, 0);
  await assert.rejects(desk.open('secrets/secsvcs/db_password.age', thief), /age_not_for_key/);
});

test('threat 30: recipients that were changed in the repo are not believed, neither a machine’s nor the owner’s', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const thief = await makeIdentity('classic');
  const good = new TextDecoder().decode(desk.read('secrets/recipients.yaml'));
  const report = desk.read('secrets/secsvcs.jws');
  const { relays } = desk.fixture;
  const forged = await reportBy(relays.pve2, { relay: 'pve2', recipients: { secsvcs: thief.recipient } });
  const swapped = good.replace(desk.machines.secsvcs.recipient, thief.recipient);
  const attacks: Readonly<Record<string, [yaml: string, jws: string | Uint8Array, code: string]>> = {
    'the recipient alone': [swapped, report, 'recipient_untrusted'],
    'with a report by another relay': [swapped, forged, 'recipient_untrusted'],
    'with the report taken away': [swapped, '', 'recipient_untrusted'],
    'the owner’s': [good.replace(desk.owner.recipient, thief.recipient), report, 'owner_changed'],
    'one more of the owner': [
      good.replace(`- ${desk.owner.recipient}`, `- ${desk.owner.recipient}\n  - ${thief.recipient}`),
      report,
      'owner_changed',
    ],
  };
  for (const [name, [yaml, jws, code]] of Object.entries(attacks)) {
    desk.write('secrets/recipients.yaml', yaml);
    desk.write('secrets/secsvcs.jws', jws);
    const ran = await set(desk);
    assert.equal(ran.exit, 3, name);
    assert.ok(ran.err.endsWith(`Nothing was encrypted.\n(${code})\n`), `${name}: ${ran.err}`);
    const rotated = await desk.writ(['secrets', 'rotate', 'db_password', '--on', 'secsvcs']);
    assert.ok(rotated.err.endsWith(`(${code})\n`), `${name}: ${rotated.err}`);
    const checked = await desk.writ(['secrets', 'check']);
    assert.equal(checked.exit, 1, name);
    assert.match(checked.out, /secrets\/recipients\.yaml:1:1: error: .* \[recipient_untrusted\]/, name);
  }
  assert.equal(
    desk.paths().some((path) => path.endsWith('.age')),
    false,
  );
});

test('threat 30: an older report never takes the place of a newer one, from outside or in the repo', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const yaml = desk.read('secrets/recipients.yaml');
  const jws = desk.read('secrets/secsvcs.jws');
  const old = await makeIdentity('classic');
  const late = await makeIdentity('classic');
  const older = await take(
    desk,
    await desk.reportOf('secsvcs', { seq: 4, recipients: { secsvcs: old.recipient } }),
    '--yes',
  );
  assert.match(older.err, /it is report 4 of pve1, and report 5 is known.*\(report_older\)/s);
  const twice = await take(
    desk,
    await desk.reportOf('secsvcs', { recipients: { secsvcs: old.recipient } }),
    '--yes',
  );
  assert.match(twice.err, /signed two reports of the number 5.*\(report_twice\)/s);

  const newer = await desk.reportOf('secsvcs', { seq: 6, recipients: { secsvcs: late.recipient } });
  const asked = await take(desk, newer);
  assert.match(asked.err, /secsvcs has another recipient: age1.* instead of age1.*as pve1 signed/);
  assert.ok(asked.err.endsWith('(no_terminal)\n'));
  assert.equal(recipientsOf(desk).machines.secsvcs?.report, 5);
  assert.equal((await take(desk, newer, '--yes')).exit, 0);
  assert.equal(recipientsOf(desk).machines.secsvcs?.recipient, late.recipient);
  // Put back in the repo, by whoever holds the old key and may push.
  desk.write('secrets/recipients.yaml', yaml);
  desk.write('secrets/secsvcs.jws', jws);
  const back = await set(desk);
  assert.match(
    back.err,
    /is from report 5 of pve1, and this computer has seen report 6.*\(recipient_older\)/s,
  );
});

test('threat 30: a relay that was replaced confirms nothing any more', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const next = await makeFixture();
  writeTrust(desk.config, next.trust);
  assert.match((await set(desk)).err, /no relay of trust version 2 has the key.*\(recipient_untrusted\)/s);
  const anew = await reportBy(next.relays.pve1, {
    seq: 1,
    recipients: { secsvcs: desk.machines.secsvcs.recipient },
  });
  assert.equal((await take(desk, anew)).exit, 0, 'a new key counts from 1');
  assert.equal((await set(desk)).exit, 0);
});

test('an identity of one’s own is made under a passphrase, once, and in both kinds where that is wished', async (t) => {
  const desk = await makeSecretsDesk(t);
  const words = ['secrets', 'recipients', '--new-identity', '--post-quantum'];
  const passphrase = 'correct horse battery staple';
  const ran = await desk.writ(words, { answers: [passphrase, passphrase] });
  assert.equal(ran.exit, 0, ran.err);
  const file = join(desk.config, 'identity.age');
  assert.match(readFileSync(file, 'utf8'), /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(recipientsOf(desk).owner.length, 2);
  assert.match((await desk.writ(words, { answers: [passphrase, passphrase] })).err, /is there already/);

  const hybrid = await makeIdentity('post_quantum');
  const report = await desk.reportOf('secsvcs', { recipients: { secsvcs: hybrid.recipient } });
  assert.equal((await take(desk, report)).exit, 0);
  assert.equal((await set(desk)).exit, 0);
  assert.equal(await desk.open('secrets/secsvcs/db_password.age', hybrid), 'canary');
  const header = readAgeHeader(desk.read('secrets/secsvcs/db_password.age'));
  assert.ok(header.ok);
  assert.deepEqual(
    header.value.stanzas.map(({ type }) => type),
    ['writ/to', 'mlkem768x25519', 'mlkem768x25519'],
    'to those of the owner that protect alike',
  );
  const edited = await desk.writ(['secrets', 'edit', 'db_password'], {
    answers: [passphrase],
    env: { EDITOR: 'true', XDG_RUNTIME_DIR: '/dev/shm' },
  });
  assert.match(edited.out, /is as it was/, edited.err);
  const wrong = await desk.writ(['secrets', 'edit', 'db_password'], {
    answers: ['no'],
    env: { EDITOR: 'true' },
  });
  assert.ok(wrong.err.endsWith('(passphrase_wrong)\n'), wrong.err);
});

test('recipients of the owner have no slip, and those that are named are all of them', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const slip = `${desk.owner.recipient.slice(0, -1)}${desk.owner.recipient.endsWith('q') ? 'p' : 'q'}`;
  assert.match((await desk.writ(['secrets', 'recipients', '--owner', slip])).err, /has a slip in it/);
  const safe = await makeIdentity('classic');
  desk.write(
    'secrets/recipients.yaml',
    `# ours\n${new TextDecoder().decode(desk.read('secrets/recipients.yaml'))}`,
  );
  const ran = await desk.writ(['secrets', 'recipients', '--owner', safe.recipient, '--json']);
  assert.deepEqual((JSON.parse(ran.out) as { owner: string[] }).owner, [safe.recipient]);
  assert.match(new TextDecoder().decode(desk.read('secrets/recipients.yaml')), /^# ours\n/);
  assert.equal((await set(desk)).exit, 0);
  assert.equal(await desk.open('secrets/secsvcs/db_password.age', safe), 'canary');
});

test('a machine whose recipient is a point of small order gets no secret', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const weak = 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z';
  const ran = await take(
    desk,
    await desk.reportOf('secsvcs', { seq: 6, recipients: { secsvcs: weak } }),
    '--yes',
  );
  assert.equal(ran.exit, 0, ran.err);
  assert.ok((await set(desk)).err.endsWith('(recipient_weak)\n'));
});
