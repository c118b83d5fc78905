import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildRepo } from '../../../src/config/build/build.ts';
import type { Finding } from '../../../src/config/finding.ts';
import { renderHere, repoOf, smallHome, type Tree } from '../../support/repo-fixture.ts';

const symlink = (file: string): Finding => ({
  file,
  line: 1,
  column: 1,
  severity: 'error',
  code: 'symlink',
  message: 'a link is not followed: put the file itself here',
});

/** `file:line code`, doubts marked. */
async function told(tree: Tree, unread: readonly Finding[] = []): Promise<string[]> {
  const { findings, release } = await buildRepo({ files: repoOf(tree).files, findings: unread }, renderHere);
  assert.equal(release, undefined);
  assert.ok(findings.every((one) => !('unless' in one)));
  return findings.map(
    ({ file, line, severity, code }) => `${file}:${line} ${severity === 'error' ? '' : 'doubt '}${code}`,
  );
}

const container = (...lines: readonly string[]): string =>
  ['[Container]', 'Image=docker.io/library/nginx:1.29.1', ...lines, ''].join('\n');

const brokenHome = [
  'v: 1',
  'site: { domain: example.net, timezne: UTC, tite: x }',
  'networks:',
  '  lan: { subnet: 192.168.20.0/24 }',
  '  iot: { subnet: 192.168.30.1/24 }',
  'hosts:',
  '  pve1: { address: 192.168.20.1, network: lan, wake_via: pve9 }',
  '  pve2: { address: 192.168.30.1, network: iot, sleeps: perhaps }',
  'guests:',
  '  websvcs: { host: pve1, vmid: many, address: 192.168.20.11, network: lan }',
  '  secsvcs: { host: pve1, vmid: 102, address: 192.168.20.300, network: lan, podman: 4.9 }',
  '  mailsvcs: { host: pve2, vmid: 103, network: lna }',
  'access:',
  '  admins: { groups: admins }',
  '  family: { groups: 5 }',
  'power:',
  '  pve2: { mode: on-demand }',
  'backups:',
  '  nightly: { guests: [websvcs, secsvc], storage: nas, schedule: "30 3 * * *", keep: { last: 3 }, quiesce: [web, two, tow] }',
  'generators: { haproxy: { on: false }, traefik: { on: maybe } }',
  '',
].join('\n');

const everything: Tree = {
  'homelab.yaml': brokenHome,
  'vars.yaml': 'colour: [\n',
  // Of the shape of its own app.yaml, its units, its templates and its files, each has a fault.
  'apps/web/app.yaml': [
    'on: secsvcs',
    'units: [web.container, 5, web2.container]',
    'files:',
    '  - { from: web.ini.j2, to: /etc/opt/web/web.ini }',
    '  - { from: motd, to: relative }',
    '  - { from: nothing, to: /etc/opt/web/nothing }',
    '  - { from: link, to: /etc/opt/web/link }',
    '  - { from: conf/, to: /etc/opt/web/conf/ }',
    '  - { from: ../x, to: /etc/opt/web/x }',
    'route: { host: www, port: 8080, access: family, public: true }',
    'routes: [{ host: www2, prt: 1 }, { host: two, port: 8081, access: admin }]',
    'health: { path: 1 }',
    'secrets: [web_one, Web Two]',
    'uses: [two, three, four, five, six, seven]',
    'helth: { path: / }',
    '',
  ].join('\n'),
  'apps/web/web.container': container(
    'Volum=/a:/b',
    'Volume=webdata.volume:/data',
    'Secret=web_two',
    'Pull=newer',
  ),
  'apps/web/web2.container': new Uint8Array([...new TextEncoder().encode(container()), 0xff]),
  'apps/web/web.ini.j2': '{{ target.address | uper }} {{ colour }}\n',
  'apps/web/motd': 'hello\n',
  // On a machine that is not there.
  'apps/two/app.yaml':
    'on: nowhere\nunits: [two.container]\nfiles: [{ from: a.j2, to: /a }, { from: b, to: /b }]\n',
  'apps/two/two.container': container('PublishPort=many', 'Secret=two'),
  'apps/two/a.j2': '{{ target.address }}{% endfor %}\n',
  // On a machine with a fault.
  'apps/three/app.yaml':
    'on: websvcs\nunits: [three.container]\nroute: { host: two, port: 1 }\nuses: [web]\n',
  'apps/three/three.container': container('Network=three.network', 'AutoUpdate=perhaps'),
  // Of no app.yaml, or of one that is no YAML, the units are looked at all the same.
  'apps/four/app.yaml': 'on: secsvcs\nunits: [\n',
  'apps/four/four.container': '[Container]\nImage=docker.io/library/x:1\nIP=10.0.0\nNetwork=home.network\n',
  'apps/five/app.yaml': 'on: secsvcs\non: websvcs\n',
  'apps/six/x': 'x',
  // Whole, with a name that another has, and a fault of what could be read.
  'apps/seven/app.yaml':
    'on: secsvcs\nunits: [seven.container]\nroute: { host: two, port: 1, access: family }\nuses: [web]\nfiles: [{ from: s.j2, to: /s }, { from: t.j2, to: /t }]\n',
  'apps/seven/seven.container': container('Network=seven.network', 'Pod=pods.pod'),
  'apps/seven/s.j2': '{{ site.timezone }} {{ app.constructor }}',
  'apps/seven/t.j2': '{{ home.routes | length }}\n{{ home.guests.secsvc.address }}',
  'runbooks/a.yaml': 'title: x\nsteps: [{ action: guest.strat, target: websvcs }]\n',
  'runbooks/b.yaml':
    'title: x\nsteps: [{ action: guest.start, target: websvcs }, { action: guest.start, target: webscvs }]\ncallers: [family, famly]\n',
  'secrets/websvcs/x.age': 'x',
};

test('everything that is wrong with a repo is told in one run, and nothing that only follows from it', async () => {
  assert.deepEqual(await told(everything, [symlink('apps/web/link'), symlink('apps/web/conf')]), [
    'apps/five/app.yaml:2 yaml_duplicate_key',
    'apps/four/app.yaml:3 yaml_malformed',
    'apps/four/four.container:3 bad_address',
    'apps/seven/app.yaml:4 uses_ring',
    'apps/seven/s.j2:1 template_reach',
    'apps/seven/seven.container:3 doubt in_pod',
    'apps/seven/t.j2:2 template_undefined',
    'apps/six/app.yaml:1 app_file_missing',
    'apps/three/three.container:4 bad_value',
    'apps/two/a.j2:1 template_syntax',
    'apps/two/app.yaml:1 unknown_target',
    'apps/two/app.yaml:3 file_missing',
    'apps/two/two.container:3 bad_port',
    'apps/two/two.container:4 secret_undeclared',
    'apps/web/app.yaml:2 wrong_value',
    'apps/web/app.yaml:5 wrong_value',
    'apps/web/app.yaml:6 file_missing',
    'apps/web/app.yaml:9 outside_folder',
    'apps/web/app.yaml:11 unknown_member',
    'apps/web/app.yaml:11 host_twice',
    'apps/web/app.yaml:11 unknown_access',
    'apps/web/app.yaml:12 wrong_value',
    'apps/web/app.yaml:13 doubt secret_missing',
    'apps/web/app.yaml:13 wrong_value',
    'apps/web/app.yaml:15 unknown_member',
    'apps/web/conf:1 symlink',
    'apps/web/link:1 symlink',
    'apps/web/web.container:3 unknown_key',
    'apps/web/web.ini.j2:1 template_unknown',
    'apps/web/web2.container:3 not_utf8',
    'homelab.yaml:2 unknown_member',
    'homelab.yaml:2 unknown_member',
    'homelab.yaml:5 wrong_value',
    'homelab.yaml:7 wake_incomplete',
    'homelab.yaml:7 unknown_host',
    'homelab.yaml:8 wrong_value',
    'homelab.yaml:10 wrong_value',
    'homelab.yaml:11 wrong_value',
    'homelab.yaml:11 wrong_value',
    'homelab.yaml:12 unknown_network',
    'homelab.yaml:15 wrong_value',
    'homelab.yaml:19 unknown_guest',
    'homelab.yaml:19 unknown_storage',
    'homelab.yaml:19 unknown_app',
    'homelab.yaml:20 wrong_value',
    'runbooks/a.yaml:2 wrong_value',
    'runbooks/b.yaml:2 unknown_guest',
    'runbooks/b.yaml:3 doubt runbook_not_run',
    'runbooks/b.yaml:3 unknown_access',
    'secrets/websvcs/x.age:1 doubt secret_not_age',
    'vars.yaml:2 yaml_malformed',
  ]);
});

test('without a homelab.yaml that can be read, each app is looked at all the same', async () => {
  const apps: Tree = {
    ...everything,
    'apps/web/app.yaml': (everything['apps/web/app.yaml'] as string).replace(
      'motd, to: relative',
      'motd, to: /motd',
    ),
  };
  const own = (lines: readonly string[]): string[] =>
    lines.filter((line) => /^apps\/(two|three|four)\//.test(line));
  const expected = own(await told(apps)).filter((line) => !line.endsWith('unknown_target'));
  for (const text of ['- 1\n', 'v: [\n']) {
    const lines = await told({ ...apps, 'homelab.yaml': text });
    assert.deepEqual(own(lines), expected);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('homelab')),
      [`homelab.yaml:${text === '- 1\n' ? '1 wrong_value' : '2 yaml_malformed'}`],
    );
  }
});

/** What one change makes of a good repo, by file: text that is replaced, or a new file. */
type Slip = readonly [file: string, from: string, to: string];

const goodHome: Tree = {
  ...smallHome,
  'apps/db/app.yaml':
    'on: secsvcs\nunits: [db.container]\nsecrets: [db_one]\ndirs: [{ path: /db }]\ncommands: { a: { exec: [a] } }\n',
  'apps/db/db.container': container('ContainerName=db', 'Secret=db_one'),
  'apps/app/app.yaml':
    'on: [{ guest: websvcs, route: { host: app, port: 1, access: admins, via: websvcs } }, secsvcs]\nunits: [app.container]\nfiles: [{ from: t.j2, to: /t }]\nuses: [{ app: db, on: secsvcs }, web]\n',
  'apps/app/app.container': container(),
  'apps/app/t.j2': '{{ home.guests.websvcs.address }} {{ home.apps.web.title }} {{ home.routes | length }}\n',
  'runbooks/up.yaml': 'title: x\nsteps: [{ action: guest.start, target: websvcs }]\n',
};

const slips: readonly Slip[] = [
  ['homelab.yaml', 'vmid: 101', 'vmid: x'],
  ['homelab.yaml', 'address: 192.168.20.12', 'address: 1.2.3'],
  ['homelab.yaml', 'admins: { groups: admins }', 'admins: { groups: 1 }'],
  ['homelab.yaml', 'lan: { subnet: 192.168.20.0/24 }', 'lan: { subnet: x }'],
  ['homelab.yaml', 'domain: example.net', 'domain: 1'],
  ['homelab.yaml', 'address: 192.168.20.1,', 'adress: 192.168.20.1,'],
  ['homelab.yaml', 'haproxy: { on: false }', 'haproxi: { on: false }'],
  ['vars.yaml', 'colour: blue', 'colour: ['],
  ['apps/web/app.yaml', 'from: motd', 'from: mtd'],
  ['apps/web/app.yaml', 'units: [web.container,', 'units: [web.contaner,'],
  ['apps/web/app.yaml', 'port: 8080', 'port: x'],
  ['apps/web/app.yaml', 'on: websvcs', 'on: [5]'],
  ['apps/web/webdata.volume', '[Volume]', '[Volume]\nLabls=a'],
  ['apps/web/web.ini.j2', 'address', '{{ app.titel }}'],
  ['apps/web/web.ini.j2', 'colour =', '{% if %}'],
  ['apps/db/app.yaml', 'secrets: [db_one]', 'secrets: [5]'],
  ['apps/db/app.yaml', 'path: /db', 'path: db'],
  ['apps/db/app.yaml', 'on: secsvcs', 'on: secsvc'],
  ['apps/db/db.container', 'ContainerName=db', 'ContainerName=d b'],
  ['apps/app/app.yaml', 'guest: websvcs,', 'guest: websvc,'],
  ['apps/app/app.yaml', 'app: db', 'app: bd'],
  ['apps/app/app.yaml', 'host: app', 'hosts: app'],
  ['apps/app/app.yaml', 'units: [app.container]', 'units: [app.container, {}]'],
  ['apps/app/app.container', 'Image=', 'AutoUpdate=maybe\nImage='],
  ['runbooks/up.yaml', 'target: websvcs', 'target: wbesvcs'],
];

const slipped = (...all: readonly Slip[]): Tree => {
  const tree: Record<string, Tree[string]> = { ...goodHome };
  for (const [file, from, to] of all) {
    const before = tree[file] as string;
    assert.ok(before.includes(from), `${file} ${from}`);
    tree[file] = before.replace(from, to);
  }
  return tree;
};

test('of any two faults in a repo neither hides the other, nor do both make a third', async () => {
  const errors = async (...all: readonly Slip[]): Promise<string[]> =>
    (await told(slipped(...all)))
      .filter((line) => !line.includes(' doubt '))
      .map((line) => line.replace(/:\d+/, ''));
  const alone = new Map<Slip, readonly string[]>();
  for (const slip of slips) {
    const lines = await errors(slip);
    assert.equal(lines.length, 1, `${slip.join(' ')}: ${lines.join(', ')}`);
    alone.set(slip, lines);
  }
  for (const [index, one] of slips.entries()) {
    for (const other of slips.slice(index + 1)) {
      // Two in one text may meet.
      if (one[0] === other[0] && !one[0].endsWith('yaml')) continue;
      const both = [...alone.get(one)!, ...alone.get(other)!].sort();
      assert.deepEqual((await errors(one, other)).sort(), both, `${one.join(' ')} and ${other.join(' ')}`);
    }
  }
});
