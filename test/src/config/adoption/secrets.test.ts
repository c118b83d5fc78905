import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHouseFile } from '../../../../src/cli/house-file.ts';
import { container, home, homelab } from './built.ts';
import { rows } from './rows.ts';

test(rows.secrets, async () => {
  const { told, app, built } = await home({
    'apps/one/app.yaml':
      'on: [secsvcs, websvcs]\nunits: [one.container]\nsecrets: [smtp_password, one_key]\n',
    'apps/one/one.container': container(
      'Secret=smtp_password,type=env,target=SMTP',
      'Secret=one_key,type=env',
    ),
    'apps/two/app.yaml': 'on: secsvcs\nunits: [two.container]\nsecrets: [smtp_password]\n',
    'apps/two/two.container': container('Secret=smtp_password,type=env'),
    'secrets/secsvcs/smtp_password.age': 'for secsvcs',
    'secrets/websvcs/smtp_password.age': 'for websvcs',
    'secrets/secsvcs/one_key.age': 'key',
  });
  assert.deepEqual(told, [
    'apps/one/app.yaml:3 warning secret_missing: nobody has set the secret one_key for websvcs',
  ]);
  const digestOf = (target: string, name: string) =>
    app(target, name).secrets.find((one) => one.name === 'smtp_password')!.digest!;
  assert.equal(digestOf('secsvcs', 'one'), digestOf('secsvcs', 'two'));
  const [here, there] = ['secsvcs', 'websvcs'].map((target) =>
    new TextDecoder().decode(built.release!.blobs.get(digestOf(target, 'one'))),
  );
  assert.deepEqual([here, there], ['for secsvcs', 'for websvcs']);
  assert.deepEqual(built.home!.secrets.smtp_password, {
    name: 'smtp_password',
    targets: ['secsvcs', 'websvcs'],
    apps: ['one', 'two'],
    from: [],
  });
});

const derived = (more = '') => ({
  'apps/app/app.yaml': `on: secsvcs
units: [app.container]
secrets:
  password:
  user:
  password_bcrypt: { from: password, as: bcrypt }
  password_pbkdf2: { from: password, as: pbkdf2-sha512 }
  token: { from: password, as: base64 }
  url: { from: [user, password], as: text, pattern: "postgres://<<user>>:<<password>>@db/app" }
${more}`,
  'apps/app/app.container': container('Secret=url,type=env', 'Secret=token,type=env'),
  'secrets/secsvcs/password.age': 'a',
  'secrets/secsvcs/user.age': 'b',
});

test(rows.derived, async () => {
  const { told, app } = await home(derived());
  assert.deepEqual(told, []);
  assert.deepEqual(
    app('secsvcs', 'app').secrets.map(({ name, digest, derived: made }) => [
      name,
      digest !== undefined,
      made ?? null,
    ]),
    [
      ['password', true, null],
      ['password_bcrypt', false, { from: ['password'], as: 'bcrypt' }],
      ['password_pbkdf2', false, { from: ['password'], as: 'pbkdf2-sha512' }],
      ['token', false, { from: ['password'], as: 'base64' }],
      [
        'url',
        false,
        {
          from: ['user', 'password'],
          as: 'text',
          pattern: 'postgres://<<user>>:<<password>>@db/app',
        },
      ],
      ['user', true, null],
    ],
  );
  const wrong: Readonly<Record<string, string>> = {
    '{ from: password, as: text }': 'must have a pattern with as: text, and with that alone',
    '{ from: password, as: base64, pattern: x }': 'must have a pattern with as: text, and with that alone',
    '{ from: [password, user], as: bcrypt }': 'must be from one secret, but for as: text',
    '{ from: password, as: text, pattern: "<<password>><<user>>" }':
      'must list in from: each secret that its pattern names',
  };
  for (const [text, says] of Object.entries(wrong)) {
    assert.deepEqual((await home(derived(`  more: ${text}\n`))).told, [
      `apps/app/app.yaml:10 error wrong_value: secrets.more ${says}`,
    ]);
  }
  assert.deepEqual((await home(derived('  more: { from: nobody, as: base64 }\n'))).told, [
    'apps/app/app.yaml:10 error secret_undeclared: more is derived from nobody, which the app does not list',
  ]);
});

const pairing = (step: string, more = '') => ({
  'apps/bridge/app.yaml': 'on: homesvcs\nunits: [bridge.container]\nsecrets: [bridge_token]\n',
  'apps/bridge/bridge.container': container('Secret=bridge_token,type=env'),
  'runbooks/pair.yaml': `title: Pair the bridge\n${more}steps:\n  - { action: guest.start, target: homesvcs${step} }\n`,
});

test(rows.captures, async () => {
  const { told, built, app } = await home(
    pairing(
      ', captures: { secret: bridge_token, on: homesvcs }, unless: { guest: websvcs, is: running }, always: true',
      'callers: admins\nconcurrency: 1\n',
    ),
  );
  // It is read and checked; that nothing can run it is said, and the release is made without it.
  assert.deepEqual(told, [
    'apps/bridge/app.yaml:3 warning secret_missing: nobody has set the secret bridge_token for homesvcs',
    'runbooks/pair.yaml:2 warning runbook_not_run: nothing can run callers yet, so the control plane refuses this runbook whole; its form is checked',
  ]);
  assert.equal(built.findings[0]!.suggestion, 'The runbook pair is to capture it.');
  assert.deepEqual(built.home!.secrets.bridge_token, {
    name: 'bridge_token',
    targets: ['homesvcs'],
    apps: ['bridge'],
    from: [],
    captured: 'pair',
  });
  assert.deepEqual(app('homesvcs', 'bridge').secrets, [{ name: 'bridge_token' }]);

  const wrong = await home(
    pairing(
      ', captures: { secret: bridge_tokn, on: homesvc }, unless: { guest: websvc, is: running }, when: { host: pve3, is: awake }',
      'callers: admin\n',
    ),
  );
  assert.deepEqual(
    wrong.told.filter((line) => line.includes(' error ')),
    [
      'runbooks/pair.yaml:2 error unknown_access: there is no access admin in homelab.yaml',
      'runbooks/pair.yaml:4 error unknown_secret: no app lists the secret bridge_tokn',
      'runbooks/pair.yaml:4 error unknown_target: there is no guest or host homesvc',
      'runbooks/pair.yaml:4 error unknown_guest: there is no guest websvc',
      'runbooks/pair.yaml:4 error unknown_host: there is no host pve3',
    ],
  );
});

test('a runbook that the control plane cannot run is refused when it is uploaded, and nothing of it is left out', () => {
  const members = [
    'steps: [{ action: guest.start, target: websvcs, unless: { guest: homesvcs, is: running } }]',
    'steps: [{ action: guest.start, target: websvcs, when: { host: pve2, is: awake } }]',
    'steps: [{ action: guest.start, target: websvcs, always: false }]',
    'steps: [{ action: guest.start, target: websvcs, captures: { secret: x } }]',
    'steps: [{ action: guest.start, target: websvcs }, { wait: 30s }]',
    'steps: [{ prompt: Is the lid closed? }]',
    'callers: [admins]\n    steps: [{ action: guest.start, target: websvcs }]',
    'concurrency: 1\n    steps: [{ action: guest.start, target: websvcs }]',
  ];
  for (const member of members) {
    const text = `${homelab}runbooks:\n  one:\n    title: One\n    ${member}\n`;
    const house = readHouseFile('homelab.yaml', text);
    assert.ok(!house.ok, member);
    assert.match(
      house.detail ?? '',
      /^homelab\.yaml:\d+:\d+: nothing can run [a-z]+ yet, so the control plane refuses this runbook whole/,
    );
  }
  const plain = `${homelab}runbooks:\n  one:\n    title: One\n    steps: [{ action: guest.start, target: websvcs, even_if_failed: true }]\n`;
  const house = readHouseFile('homelab.yaml', plain);
  assert.ok(house.ok, house.ok ? '' : house.detail);
  assert.deepEqual(house.value.runbooks, {
    one: {
      title: 'One',
      steps: [{ action: 'guest.start', target: 'websvcs', params: {}, even_if_failed: true }],
    },
  });
});
