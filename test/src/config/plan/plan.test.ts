import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planText } from '../../../../src/config/plan/text.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { type Changes, planOf } from './plan-of.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;
const unit = smallHome['apps/web/web.container'] as string;

/** `app effect service because`, one a unit. */
async function unitsOf(changes: Changes, before: Changes = {}): Promise<string[]> {
  const plan = await planOf(changes, before);
  return plan.targets.flatMap(({ apps }) =>
    apps.flatMap(({ units }) =>
      units.map(({ effect, service, because }) => [effect, service, ...because].join(' ')),
    ),
  );
}

const risksOf = async (changes: Changes, before: Changes = {}): Promise<string[]> =>
  (await planOf(changes, before)).risks.map(({ code, text }) => `${code}: ${text}`);

const withConf: Changes = {
  'apps/web/app.yaml': `${yaml}secrets: [pw]\n`.replace(
    'files:',
    'files:\n  - { from: reload.conf, to: /etc/opt/web/reload.conf, on_change: reload }\n  - { from: seed, to: /etc/opt/web/seed, manage: seed }',
  ),
  'apps/web/reload.conf': 'a\n',
  'apps/web/seed': 'a\n',
  'secrets/websvcs/pw.age': 'one',
};

test('a service is touched by what is its own, and in no other way', async () => {
  const cases: readonly (readonly [
    name: string,
    changes: Changes,
    units: readonly string[],
    before?: Changes,
  ])[] = [
    [
      'a unit file',
      { 'apps/web/web.container': `${unit}Label=x=y\n` },
      ['restart web.service /etc/containers/systemd/web.container', 'untouched webdata-volume.service'],
    ],
    [
      'a rendered file',
      { 'vars.yaml': 'colour: red\n' },
      ['restart web.service /etc/opt/web/web.ini', 'untouched webdata-volume.service'],
    ],
    [
      'on_change: none',
      { 'apps/web/motd': 'hi\n' },
      ['untouched web.service', 'untouched webdata-volume.service'],
    ],
    [
      'on_change: reload',
      { 'apps/web/reload.conf': 'b\n' },
      ['reload web.service /etc/opt/web/reload.conf', 'untouched webdata-volume.service'],
      withConf,
    ],
    [
      'reload and restart together',
      { 'apps/web/reload.conf': 'b\n', 'vars.yaml': 'colour: red\n' },
      ['restart web.service /etc/opt/web/web.ini', 'untouched webdata-volume.service'],
      withConf,
    ],
    [
      'a seeded file',
      { 'apps/web/seed': 'b\n' },
      ['untouched web.service', 'untouched webdata-volume.service'],
      withConf,
    ],
    [
      'a secret',
      { 'secrets/websvcs/pw.age': 'two' },
      ['restart web.service secret pw', 'untouched webdata-volume.service'],
      withConf,
    ],
    [
      'a mode',
      { 'apps/web/app.yaml': yaml.replace('web.ini }', 'web.ini, mode: "0600" }') },
      ['restart web.service /etc/opt/web/web.ini', 'untouched webdata-volume.service'],
    ],
    [
      'a volume',
      { 'apps/web/webdata.volume': '[Volume]\nLabel=a=b\n' },
      [
        'restart web.service /etc/containers/systemd/webdata.volume',
        'restart webdata-volume.service /etc/containers/systemd/webdata.volume',
      ],
    ],
    [
      'a unit that comes',
      {
        'apps/web/app.yaml': yaml.replace('[web.container,', '[web.container, job.timer,'),
        'apps/web/job.timer': '[Timer]\nOnCalendar=daily\n',
      },
      ['start job.timer', 'untouched web.service', 'untouched webdata-volume.service'],
    ],
    [
      'an app that goes',
      {
        'apps/web/app.yaml': undefined,
        'apps/web/web.container': undefined,
        'apps/web/webdata.volume': undefined,
        'apps/web/web.ini.j2': undefined,
        'apps/web/motd': undefined,
      },
      ['stop web.service', 'stop webdata-volume.service'],
    ],
    ['a word of documentation', { 'apps/web/README.md': '# web\n' }, []],
  ];
  for (const [name, changes, units, before] of cases)
    assert.deepEqual(await unitsOf(changes, before), units, name);
});

test('an app whose folder is renamed keeps running', async () => {
  const renamed = Object.fromEntries(
    Object.entries(smallHome).flatMap(([path, content]) =>
      path.startsWith('apps/web/')
        ? [
            [path, undefined],
            [path.replace('apps/web/', 'apps/site/'), content],
          ]
        : [],
    ),
  );
  assert.deepEqual(await unitsOf(renamed), ['untouched web.service', 'untouched webdata-volume.service']);
});

test('what opens, cuts off or loses something is flagged', async () => {
  const access = (rule: string): Changes => ({
    'homelab.yaml': (smallHome['homelab.yaml'] as string).replace('{ groups: admins }', rule),
  });
  const haproxy = {
    'apps/haproxy/app.yaml':
      'on: secsvcs\nservice: haproxy.service\nfiles: [{ from: haproxy.cfg, to: /etc/haproxy/haproxy.cfg, on_change: reload }]\nports: [{ port: 443, from: lan }]\n',
    'apps/haproxy/haproxy.cfg': 'defaults\n',
  };
  const pruned = (...dirs: string[]): string =>
    `${yaml.replace('web.ini }', 'web.ini, prune: true }')}dirs: [${dirs.map((path) => `{ path: ${path} }`)}]\n`;
  const cases: readonly (readonly [changes: Changes, risks: readonly string[], before?: Changes])[] = [
    [
      { 'apps/web/app.yaml': yaml },
      ['access_widened: `www.example.net` becomes public'],
      { 'apps/web/app.yaml': yaml.replace(', public: true', '') },
    ],
    [
      { 'apps/web/app.yaml': yaml.replace(', access: admins', '') },
      ['access_widened: `www.example.net` is no longer guarded by `admins`'],
    ],
    [
      { 'apps/web/app.yaml': yaml.replace('host: www', 'host: [www, new]').replace(', access: admins', '') },
      [
        'access_widened: `new.example.net` is a new public name, and no access rule guards it',
        'access_widened: `www.example.net` is no longer guarded by `admins`',
      ],
    ],
    [
      access('{ groups: [admins, family] }'),
      ['access_widened: the access rule `admins` lets in whom it did not'],
    ],
    [
      access('{ groups: admins, policy: bypass }'),
      ['access_widened: the access rule `admins` lets in whom it did not'],
    ],
    [access('{ groups: admins, from: lan }'), []],
    [access('{ groups: admins, policy: deny }'), []],
    [access('{}'), ['access_widened: the access rule `admins` lets in whom it did not']],
    [
      { 'apps/haproxy/haproxy.cfg': 'global\n' },
      [
        'control_plane: `haproxy.service` reloads on `secsvcs`: the way to the control plane may lead through it',
      ],
      haproxy,
    ],
    [
      { 'apps/haproxy/app.yaml': haproxy['apps/haproxy/app.yaml'].replace(', from: lan', '') },
      ['access_widened: port 443/tcp on `secsvcs` opens to everybody'],
      haproxy,
    ],
    [
      {
        'apps/web/app.yaml': yaml.replace(', webdata.volume', ''),
        'apps/web/web.container': unit.replace('Volume=webdata.volume:/data\n', ''),
      },
      [
        'volume_removed: the volume of `webdata-volume.service` on `websvcs` is no longer named; its data stays where it is, and nothing uses or backs it up',
      ],
    ],
    [
      { 'apps/web/app.yaml': yaml.replace('web.ini }', 'web.ini, prune: true }') },
      ['folder_pruned: what the release does not hold is removed from `/etc/opt/web` on `websvcs`'],
    ],
    [
      { 'apps/web/app.yaml': pruned('/srv/own') },
      [
        'folder_pruned: all that `/etc/opt/web/data` on `websvcs` holds is removed: no app has it as its own any more',
      ],
      { 'apps/web/app.yaml': pruned('/srv/own', '/srv/gone', '/etc/opt/web/data') },
    ],
    [
      { 'apps/web/app.yaml': pruned('/etc/opt/web/data') },
      [],
      { 'apps/web/app.yaml': pruned('/etc/opt/web/data', '/etc/opt/web/data/more') },
    ],
    [{ 'apps/web/motd': 'hi\n' }, []],
  ];
  for (const [changes, risks, before] of cases) assert.deepEqual(await risksOf(changes, before), risks);
});

test('routes, names, access and flows are told in words', async () => {
  const plan = await planOf({
    'homelab.yaml': (smallHome['homelab.yaml'] as string).replace(
      '{ groups: admins }',
      '{ groups: [admins, family], policy: one_factor }',
    ),
    'apps/web/app.yaml': yaml.replace(', public: true', ''),
    'apps/two/app.yaml':
      'on: secsvcs\nunits: [two.container]\nroute: { host: two, port: 1 }\nuses: [{ app: web, port: 8080 }]\n',
    'apps/two/two.container': '[Container]\nImage=docker.io/library/redis:8.2\n',
  });
  assert.deepEqual(
    plan.facts.map(({ text }) => text),
    [
      'new home-only route `two.example.net` to `two` on `secsvcs`, without an access rule',
      '`www.example.net` becomes home-only',
      'new home-only DNS name `two.example.net`, `192.168.20.12`',
      'the DNS name `www.example.net` becomes home-only',
      'the access rule `admins` asks for one_factor, before two_factor; the access rule `admins` is for `admins`, `family`, before for `admins`',
      '`two@secsvcs` may reach `web@websvcs` at port 8080',
    ],
  );
});

test('secrets are told by name alone', async () => {
  const plan = await planOf({ 'secrets/websvcs/pw.age': 'AGE-SECRET-two' }, withConf);
  assert.deepEqual(plan.targets[0]!.apps[0]!.secrets, [{ name: 'pw', kind: 'changed' }]);
  assert.ok(!JSON.stringify(plan).includes('AGE-SECRET'));
  assert.match(planText(plan), /~ secret pw/);
});

test('adding an app is one folder, and taking it away takes all of it away', async () => {
  const added: Changes = {
    'apps/graf/app.yaml':
      'on: secsvcs\nunits: [graf.container]\nroute: { host: graph, port: 3000, access: admins }\n',
    'apps/graf/graf.container': '[Container]\nImage=docker.io/grafana/grafana:12.2.0\n',
  };
  const plan = await planOf(added);
  assert.deepEqual(
    plan.facts.map(({ kind, change, subject }) => [kind, change, subject]),
    [
      ['routes', 'added', 'graph.example.net'],
      ['names', 'added', 'graph.example.net'],
    ],
  );
  assert.deepEqual(
    plan.targets.map(({ target, apps }) => [target, apps.map(({ app }) => app)]),
    [['secsvcs', ['graf']]],
  );
  const back = await planOf(
    { 'apps/graf/app.yaml': undefined, 'apps/graf/graf.container': undefined },
    added,
  );
  assert.equal(back.after, plan.before);
  assert.deepEqual(
    back.facts.map(({ change }) => change),
    ['removed', 'removed'],
  );
});
