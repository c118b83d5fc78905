import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { homelabSchema, houseFileOf } from '../../../../schema/manifest/homelab.ts';
import { cronSchema, weekdaysSchema } from '../../../../schema/manifest/times.ts';
import { readHouseFile } from '../../../../src/cli/house-file.ts';
import { home, homelab } from '../adoption/built.ts';

const sections = `devices:
  switch: { kind: switch, network: servers, address: 192.168.20.250 }
power:
  pve1: { mode: always }
  pve2: { mode: scheduled, awake: { days: mon-fri, from: "07:00", to: "23:30" }, grace: 20m }
ups:
  rack:
    title: the UPS
    host: pve1
    feeds: [pve1, pve2, switch]
    watts: 900
    shut_down:
      - { host: pve2, when: { runtime_below: 20m } }
      - { host: pve1, when: { charge_below: 15, on_battery_for: 2h } }
storage:
  fast: { host: pve2, kind: lvmthin, id: local-lvm, content: [images, rootdir], alert: { used: 80, metadata: 70 } }
  slow: { host: pve2, kind: dir, path: /mnt/hdd, content: backup }
  nas: { host: pve1, kind: nfs, server: 192.168.20.13, content: backup }
backups:
  nightly:
    guests: [websvcs]
    storage: slow
    schedule: "30 3 * * *"
    keep: { last: 3, weekly: 4 }
    quiesce: [db]
  monthly: { guests: [secsvcs, websvcs], storage: nas, schedule: "0 4 1 * *", mode: stop, keep: { monthly: 6 }, wake: false }
notifications:
  channels:
    phone: { ntfy: https://ntfy.sh/topic }
    desk: { email: me@example.net }
  send:
    - { to: phone, from: critical }
    - { to: [phone, desk], about: [backups, storage] }
`;
const db = {
  'apps/db/app.yaml': 'on: websvcs\nfiles: [{ from: x.j2, to: /etc/x }]\n',
  'apps/db/x.j2': `{% for name, p in home.power.items() %}{{ name }} {{ p.mode }} {{ p.grace }}
{% endfor %}{% for s in home.ups.rack.shut_down %}{{ s.host }} {% endfor %}
{{ home.storage.fast.alert.metadata }} {{ home.storage.slow.alert.used }}
{% for name, job in home.backups.items() %}{{ name }} {{ job.schedule }} {{ job.mode }} {{ job.guests | join(',') }} {{ job.wake | lower }}
{% endfor %}{{ home.notifications.channels.phone.ntfy }} {{ home.notifications.send[1].to | join(',') }} {{ home.notifications.send[1].from }}
`,
};

test('power, UPSes, storage, backups and notifications are read, checked and shown to templates', async () => {
  const { told, text } = await home(db, sections);
  assert.deepEqual(told, []);
  assert.equal(
    text('websvcs', '/etc/x'),
    `pve1 always 15m
pve2 scheduled 20m
pve2 pve1 
70 85
nightly 30 3 * * * snapshot websvcs true
monthly 0 4 1 * * stop secsvcs,websvcs false
https://ntfy.sh/topic phone,desk warning
`,
  );
  const { 'apps/db/app.yaml': yaml } = db;
  const bare = await home({ 'apps/db/app.yaml': yaml, 'apps/db/x.j2': '{{ home.power.pve2.mode }}\n' });
  assert.equal(bare.text('websvcs', '/etc/x'), 'on-demand\n');
});

test('the control plane is told none of it', () => {
  const plain = readHouseFile('homelab.yaml', homelab);
  const more = readHouseFile('homelab.yaml', homelab + sections);
  assert.ok(plain.ok && more.ok);
  assert.deepEqual(more.value, plain.value);
  assert.deepEqual(Object.keys(houseFileOf(v.parse(homelabSchema, { v: 1, hosts: {} }))).sort(), [
    'guests',
    'hosts',
    'limits',
    'runbooks',
    'v',
  ]);
});

const faults: readonly (readonly [from: string, to: string, says: string])[] = [
  ['  pve1: { mode', '  pve3: { mode', '20 error unknown_host: there is no host pve3'],
  [
    'pve1: { mode: always }',
    'pve1: { mode: on-demand }',
    '20 error power_unclear: pve1 is on-demand, and hosts.pve1 does not say that it sleeps',
  ],
  [
    'mode: scheduled, awake: { days: mon-fri, from: "07:00", to: "23:30" }',
    'mode: always',
    '21 error power_unclear: pve2 is always, and hosts.pve2 says that it sleeps',
  ],
  [
    'mode: scheduled, awake: { days: mon-fri, from: "07:00", to: "23:30" }',
    'mode: scheduled',
    '21 error power_unclear: pve2 is scheduled, and awake does not say when it is on',
  ],
  [
    'mode: scheduled',
    'mode: on-demand',
    '21 error power_unclear: awake says when pve2 is on, which goes with mode: scheduled alone',
  ],
  [
    '"23:30"',
    '"24:30"',
    '21 error wrong_value: power.pve2.awake.to must be a time in quotes such as "07:30"',
  ],
  ['"23:30"', '"07:00"', '21 error wrong_value: power.pve2.awake must not end when it begins'],
  [
    'days: mon-fri',
    'days: weekdays',
    '21 error wrong_value: power.pve2.awake.days must be days such as mon-fri or sat,sun',
  ],
  ['    host: pve1\n', '    host: pve9\n', '25 error unknown_host: there is no host pve9'],
  ['pve2, switch]', 'pve2, swich]', '26 error unknown_target: there is no host or device swich'],
  ['feeds: [pve1, ', 'feeds: [', '30 error ups_not_fed: rack does not feed pve1, and is to shut it down'],
  [
    '{ runtime_below: 20m }',
    '{}',
    '29 error wrong_value: ups.rack.shut_down.0.when must be one of runtime_below, charge_below, on_battery_for',
  ],
  [
    'charge_below: 15',
    'charge_below: 150',
    '30 error wrong_value: ups.rack.shut_down.1.when.charge_below must be a percentage from 1 to 100',
  ],
  ['nas: { host: pve1', 'nas: { host: pve7', '34 error unknown_host: there is no host pve7'],
  ['kind: lvmthin', 'kind: lvm', '32 error storage_unclear: only a thin pool has metadata, and fast is lvm'],
  [', path: /mnt/hdd', '', '33 error storage_unclear: a storage of the kind dir needs path'],
  ['server: 192.168.20.13, ', '', '34 error storage_unclear: a storage of the kind nfs needs server'],
  [
    'kind: lvmthin',
    'kind: lvmthin, server: x',
    '32 error storage_unclear: a storage of the kind lvmthin has no server',
  ],
  ['guests: [websvcs]', 'guests: [websvc]', '37 error unknown_guest: there is no guest websvc'],
  ['storage: slow', 'storage: slo', '38 error unknown_storage: there is no storage slo'],
  [
    'storage: slow',
    'storage: fast',
    '38 error storage_unclear: fast is for images, rootdir, not for backups',
  ],
  [
    'guests: [websvcs]',
    'guests: [homesvcs]',
    '37 error backup_elsewhere: homesvcs is on pve1, which does not reach slow on pve2',
  ],
  [
    '30 3 * * *',
    '30 3 * *',
    '39 error wrong_value: backups.nightly.schedule must be five fields of cron, such as "30 3 * * *" for half past three each night',
  ],
  [
    'keep: { last: 3, weekly: 4 }',
    'keep: {}',
    '40 error wrong_value: backups.nightly.keep must keep some: last, daily, weekly, monthly or yearly',
  ],
  ['quiesce: [db]', 'quiesce: [bd]', '41 error unknown_app: there is no app bd'],
  ['to: phone,', 'to: fone,', '48 error unknown_channel: there is no channel fone'],
  [
    'about: [backups',
    'about: [backup',
    '49 error wrong_value: notifications.send.1.about.0: expected ("backups" | "certificates" | "deployments" | "drift" | "health" | "power" | "security" | "storage" | "ups")',
  ],
  [
    'mode: stop',
    'mode: halt',
    '42 error wrong_value: backups.monthly.mode: expected ("snapshot" | "suspend" | "stop")',
  ],
];

for (const [from, to, says] of faults) {
  test(`a fault is told with its place: ${to.trim() || `no ${from}`}`, async () => {
    const changed = sections.replace(from, to);
    assert.notEqual(changed, sections);
    const { told } = await home({ ...db, 'apps/db/x.j2': 'x\n' }, changed);
    assert.deepEqual(told, [`homelab.yaml:${says}`]);
  });
}

test('a name that is nearly right is told', async () => {
  const { built } = await home(db, sections.replace('guests: [websvcs]', 'guests: [websvc]'));
  assert.deepEqual(
    built.findings.filter(({ code }) => code === 'unknown_guest').map(({ suggestion }) => suggestion),
    ['Did you mean websvcs?'],
  );
});

test('times that come again are written as cron has them', () => {
  for (const good of [
    '* * * * *',
    '0 0 1 1 0',
    '*/5 0-23/2 1,15 * 7',
    '59 23 31 12 1-5',
    '0,30 8-18 * * 1,3',
  ])
    assert.ok(v.is(cronSchema, good), good);
  for (const bad of [
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    '5/2 * * * *',
    '*x * * * *',
    '1, * * * *',
    '-1 * * * *',
    '@daily',
    '* * * jan *',
    '*  * * * *',
  ])
    assert.ok(!v.is(cronSchema, bad), bad);
  assert.ok(v.is(weekdaysSchema, 'mon-fri,sun'));
  for (const bad of ['', 'mon-', 'mon,', 'Monday', 'mon fri']) assert.ok(!v.is(weekdaysSchema, bad), bad);
});
