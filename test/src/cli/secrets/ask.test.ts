import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeIdentity } from '../../../../src/cli/secrets/age.ts';
import { makeAskingDesk } from '../../../support/asking-desk.ts';
import { reportBy, type SecretsDesk } from '../../../support/secrets-desk.ts';

const set = (desk: SecretsDesk) =>
  desk.writ(['secrets', 'set', 'db_password', '--from', '-'], { input: 'canary' });

test('the control plane is asked for the reports, and those without recipients are passed over', async (t) => {
  const { desk, ask } = await makeAskingDesk(t);
  const none = await ask([{ relay: 'pve1', report: await reportBy(desk.fixture.relays.pve1, {}) }]);
  assert.equal(none.exit, 0, none.err);
  assert.match(none.out, /No machine has a recipient yet/);
  const reports = await Promise.all(
    (['secsvcs', 'websvcs'] as const).map(async (machine) => ({
      relay: machine === 'secsvcs' ? 'pve1' : 'pve2',
      report: await desk.reportOf(machine),
    })),
  );
  const both = await ask(reports, '--json');
  const told = JSON.parse(both.out) as {
    machines: { machine: string; change: string; confirmed: boolean }[];
  };
  assert.deepEqual(
    told.machines.map(({ machine, change, confirmed }) => [machine, change, confirmed]),
    [
      ['secsvcs', 'new', true],
      ['websvcs', 'new', true],
    ],
  );
  const files = desk.paths().map((path) => [path, desk.read(path)]);
  const later = await Promise.all(
    reports.map(async ({ relay }, index) => ({
      relay,
      report: await desk.reportOf(index === 0 ? 'secsvcs' : 'websvcs', { seq: 77 }),
    })),
  );
  assert.equal((await ask(later)).exit, 0);
  assert.deepEqual(
    desk.paths().map((path) => [path, desk.read(path)]),
    files,
    'news without a change is no change of the repo',
  );
});

test('threat 30: a recipient that is substituted in the API’s answers is refused, and no secret is encrypted to it', async (t) => {
  const { desk, ask } = await makeAskingDesk(t);
  const { relays, controller } = desk.fixture;
  const thief = await makeIdentity('classic');
  const recipients = { secsvcs: thief.recipient };
  const good = await desk.reportOf('secsvcs');
  const [head, payload, signature] = good.split('.') as [string, string, string];
  const text = Buffer.from(payload, 'base64url').toString();
  const swapped = Buffer.from(text.replace(desk.machines.secsvcs.recipient, thief.recipient)).toString(
    'base64url',
  );
  assert.notEqual(swapped, payload);
  const attacks: Readonly<Record<string, [report: string, code: string]>> = {
    'under the relay’s own signature': [`${head}.${swapped}.${signature}`, 'report_unverified'],
    'signed by the controller': [await reportBy(controller, { recipients }), 'report_unverified'],
    'signed by the relay on the other host': [
      await reportBy(relays.pve2, { relay: 'pve2', recipients }),
      'report_oversteps',
    ],
    'signed by the relay of the VM, which fell with it': [
      await reportBy(relays.cloud, { relay: 'cloud', recipients }),
      'report_oversteps',
    ],
    'of another home': [
      await reportBy(relays.pve1, { recipients, home: 'h_01JD8Q3S5T7V9W0X1Y2Z3A4B5D' }),
      'report_foreign',
    ],
  };
  await desk.writ(['secrets', 'recipients', '--owner', desk.owner.recipient]);
  for (const [name, [report, code]] of Object.entries(attacks)) {
    const ran = await ask(
      [
        { relay: 'pve1', report },
        { relay: 'pve2', report: await desk.reportOf('websvcs') },
      ],
      '--yes',
    );
    assert.equal(ran.exit, 3, name);
    assert.ok(ran.err.endsWith(`(${code})\n`), `${name}: ${ran.err}`);
    assert.match((await set(desk)).err, /\(recipient_missing\)/, name);
  }
  assert.equal((await ask([{ relay: 'pve1', report: good }])).exit, 0);
  assert.equal((await set(desk)).exit, 0);
  assert.equal(await desk.open('secrets/secsvcs/db_password.age', desk.machines.secsvcs), 'canary');
  await assert.rejects(desk.open('secrets/secsvcs/db_password.age', thief), /age_not_for_key/);
});
