import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSecretsDesk } from '../../../support/secrets-desk.ts';
import { runWrit } from '../terminal-fixture.ts';

const all = [
  ['db_password', 'secsvcs'],
  ['shared_token', 'secsvcs'],
  ['shared_token', 'websvcs'],
] as const;

test('list tells where secrets are set and who uses them; check fails while one is missing; no value is shown', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  const early = await desk.writ(['secrets', 'check']);
  assert.equal(early.exit, 1);
  for (const [name, machine] of all)
    assert.match(
      early.out,
      new RegExp(
        `error: nobody has set the secret ${name} for ${machine}\\. writ secrets set ${name} --on ${machine}`,
      ),
    );
  assert.equal((await desk.writ(['config', 'check'])).exit, 0, 'while an app is being written it is a doubt');

  for (const name of ['db_password', 'shared_token'])
    await desk.writ(['secrets', 'set', name, '--from', '-'], { input: 'canary' });
  const checked = await desk.writ(['secrets', 'check']);
  assert.equal(checked.exit, 0, checked.out);
  assert.equal(checked.out, 'No errors: 3 secrets.\nRecipients were held against trust version 2.\n');
  const listed = await desk.writ(['secrets', 'list']);
  assert.equal(
    listed.out,
    `db_password   secsvcs  set  used by db
shared_token  secsvcs  set  used by db, web
              websvcs  set
`,
  );
  desk.write(
    'apps/db/app.yaml',
    'on: secsvcs\nsecrets: { db_password: null, hash: { from: db_password, as: bcrypt } }\n',
  );
  const json = await desk.writ(['secrets', 'list', '--json']);
  assert.deepEqual(JSON.parse(json.out), {
    secrets: [
      { name: 'db_password', machines: [{ machine: 'secsvcs', state: 'current' }], apps: ['db'], from: [] },
      {
        name: 'hash',
        machines: [{ machine: 'secsvcs', state: 'derived' }],
        apps: ['db'],
        from: ['db_password'],
      },
      {
        name: 'shared_token',
        machines: [
          { machine: 'secsvcs', state: 'current' },
          { machine: 'websvcs', state: 'current' },
        ],
        apps: ['web'],
        from: [],
      },
    ],
  });
  const unused = await desk.writ(['secrets', 'check', '--json']);
  const told = JSON.parse(unused.out) as { findings: { code: string }[]; errors: number; warnings: number };
  assert.deepEqual(
    [told.findings.map(({ code }) => code), told.errors, told.warnings],
    [['secret_unused'], 0, 1],
  );
});

test('CI checks without keys, without trust and without a network', async (t) => {
  const desk = await makeSecretsDesk(t);
  await desk.admit();
  for (const name of ['db_password', 'shared_token'])
    await desk.writ(['secrets', 'set', name, '--from', '-'], { input: 'canary' });
  const check = () => runWrit(['secrets', 'check', '--repo', desk.repo, '--config', '/nonexistent']);
  const good = await check();
  assert.equal(good.exit, 0);
  assert.match(good.out, /Recipients were not held against trust, which is not on this computer\./);
  desk.write('secrets/secsvcs/db_password.age', desk.read('secrets/websvcs/shared_token.age'));
  const swapped = await check();
  assert.equal(swapped.exit, 1);
  assert.match(
    swapped.out,
    /^secrets\/secsvcs\/db_password\.age:1:1: error: its recipients are no longer.*\[secret_recipients_changed\]/m,
  );
});

test('what keeps the apps from being read is told, and an empty repo has no secrets', async (t) => {
  const broken = await makeSecretsDesk(t, { 'homelab.yaml': 'v: [\n' });
  const ran = await broken.writ(['secrets', 'check']);
  assert.equal(ran.exit, 1);
  assert.match(ran.out, /homelab\.yaml:\d+:\d+: error/);
  assert.match((await broken.writ(['secrets', 'list'])).out, /There are no secrets yet/);
  broken.write('secrets/recipients.yaml', 'owner: 1\n');
  const refused = await broken.writ(['secrets', 'list']);
  assert.equal(refused.exit, 2);
  assert.match(refused.err, /secrets\/recipients\.yaml:1:1: error.*\(recipients_malformed\)/s);
});
