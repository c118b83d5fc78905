import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../../../src/config/finding.ts';
import { readYaml } from '../../../src/config/read/yaml.ts';
import { buildTree, smallHome, type Tree } from '../../support/repo-fixture.ts';

type Changes = Readonly<Record<string, Tree[string] | undefined>>;

/** `file:line:column code: message. suggestion`, errors alone unless told. */
const line = ({ file, line: at, column, code, message, suggestion }: Finding): string =>
  `${file}:${at}:${column} ${code}: ${message}${suggestion === undefined ? '' : `. ${suggestion}`}`;

async function errorsOf(changes: Changes): Promise<string[]> {
  const { findings, release } = await buildTree(smallHome, changes);
  const errors = findings.filter(({ severity }) => severity === 'error');
  assert.equal(release, undefined, 'nothing is released while anything is wrong');
  return errors.map(line);
}

const app = (more: string): string => `${smallHome['apps/web/app.yaml'] as string}${more}`;
const second = (yaml: string): Changes => ({
  'apps/two/app.yaml': yaml,
  'apps/two/two.container': '[Container]\nImage=docker.io/library/redis:8.2\n',
});

const bomb = `${['a: &a [x]', ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`)].join('\n')}\n`;

const cases: Readonly<Record<string, { changes: Changes; says: readonly string[] }>> = {
  'malformed YAML': {
    changes: { 'apps/web/app.yaml': 'on: websvcs\nunits: [web.container\nroute: {\n' },
    says: [
      'apps/web/app.yaml:3:1 yaml_malformed: Flow sequence in block collection must be sufficiently indented and end with a ]',
      'apps/web/app.yaml:4:1 yaml_malformed: Flow map in block collection must be sufficiently indented and end with a }',
    ],
  },
  'a wrong type': {
    changes: { 'homelab.yaml': (smallHome['homelab.yaml'] as string).replace('vmid: 101', 'vmid: many') },
    says: ['homelab.yaml:8:26 wrong_value: guests.websvcs.vmid: expected number'],
  },
  'a mode and a version without quotes': {
    changes: {
      'homelab.yaml': (smallHome['homelab.yaml'] as string).replace('vmid: 101', 'vmid: 101, podman: 5.4'),
      'apps/web/app.yaml': app('dirs: [{ path: /x, mode: 0750 }]\n'),
    },
    says: [
      'apps/web/app.yaml:8:20 wrong_value: dirs.0.mode: expected string. Put it in quotes.',
      'homelab.yaml:8:37 wrong_value: guests.websvcs.podman: expected string. Put it in quotes.',
    ],
  },
  'a duplicate key': {
    changes: { 'apps/web/app.yaml': app('on: secsvcs\n') },
    says: ['apps/web/app.yaml:8:1 yaml_duplicate_key: Map keys must be unique'],
  },
  'an anchor bomb': {
    changes: { 'vars.yaml': bomb },
    says: ['vars.yaml:2:8 yaml_aliases: Excessive alias count indicates a resource exhaustion attack'],
  },
  'deep nesting': {
    changes: { 'vars.yaml': `a: ${'['.repeat(200)}${']'.repeat(200)}\n` },
    says: ['vars.yaml:1:1 yaml_too_deep: it is nested more than 40 deep'],
  },
  'deep nesting without a bracket': {
    changes: { 'vars.yaml': `${'- '.repeat(60)}a\n` },
    says: ['vars.yaml:1:1 yaml_too_deep: it is nested more than 40 deep'],
  },
  'deep nesting by indentation': {
    changes: { 'vars.yaml': Array.from({ length: 60 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('') },
    says: ['vars.yaml:1:1 yaml_too_deep: it is nested more than 40 deep'],
  },
  // The text of such a key took hours.
  'keys that are mappings, one in the other': {
    changes: { 'vars.yaml': `${'? '.repeat(1000)}a\n` },
    says: ['vars.yaml:1:1 yaml_too_deep: it is nested more than 40 deep'],
  },
  'a key as a number and as a text': {
    changes: { 'vars.yaml': 'a: { 1: x, "1": y }\n' },
    says: ['vars.yaml:1:12 yaml_duplicate_key: Map keys must be unique'],
  },
  'a member that is not known': {
    changes: { 'apps/web/app.yaml': app('helth: { path: / }\n') },
    says: ['apps/web/app.yaml:8:1 unknown_member: helth is not a known member. Did you mean health?'],
  },
  'several members that are not known': {
    changes: {
      'apps/web/app.yaml': app(
        'helth: { path: / }\nsecret: []\nports: [{ port: 1, a: 1, b: 2 }, { prt: 2 }]\n',
      ),
    },
    says: [
      'apps/web/app.yaml:8:1 unknown_member: helth is not a known member. Did you mean health?',
      'apps/web/app.yaml:9:1 unknown_member: secret is not a known member. Did you mean secrets?',
      'apps/web/app.yaml:10:20 unknown_member: ports.0.a is not a known member',
      'apps/web/app.yaml:10:26 unknown_member: ports.0.b is not a known member',
      'apps/web/app.yaml:10:36 unknown_member: ports.1.prt is not a known member. Did you mean port?',
    ],
  },
  'a network that is called like a machine': {
    changes: {
      'homelab.yaml': (smallHome['homelab.yaml'] as string).replace(
        '  lan:',
        '  pve1: { subnet: 10.0.0.0/24 }\n  lan:',
      ),
    },
    says: [
      'homelab.yaml:4:3 name_twice: pve1 is a network and a machine, so nobody could tell which a from: pve1 means',
    ],
  },
  'a template that reads constructor': {
    changes: { 'apps/web/web.ini.j2': 'a\nb {{ colour.constructor }}\n' },
    says: [
      'apps/web/web.ini.j2:2:13 template_reach: constructor reaches into the program, which a template cannot',
    ],
  },
  'a file outside its folder': {
    changes: { 'apps/web/app.yaml': 'on: websvcs\nfiles:\n  - { from: ../../homelab.yaml, to: /etc/x }\n' },
    says: [
      "apps/web/app.yaml:3:5 outside_folder: ../../homelab.yaml leads out of the app's folder; files come from apps/web/ alone",
    ],
  },
  'a destination that is no path': {
    changes: { 'apps/web/app.yaml': 'on: websvcs\nfiles:\n  - { from: motd, to: /etc/../root/x }\n' },
    says: [
      'apps/web/app.yaml:3:19 wrong_value: files.0.to must be an absolute path without "..", "//" or control characters, or volume:NAME/ and such a path',
    ],
  },
  'two apps with one hostname': {
    changes: second('on: websvcs\nunits: [two.container]\nroute: { host: www, port: 6379 }\n'),
    says: [
      'apps/web/app.yaml:6:1 host_twice: www.example.net leads to two on websvcs already, under the same conditions',
    ],
  },
  'two apps with one path': {
    changes: {
      ...second('on: websvcs\nunits: [two.container]\nfiles: [{ from: x, to: /etc/opt/web/motd }]\n'),
      'apps/two/x': 'x',
    },
    says: ['apps/web/app.yaml:5:5 path_twice: /etc/opt/web/motd on websvcs is a file of two already'],
  },
  'a file below a file': {
    changes: {
      ...second('on: websvcs\nunits: [two.container]\nfiles: [{ from: x, to: /etc/opt/web/motd/x }]\n'),
      'apps/two/x': 'x',
    },
    says: [
      'apps/two/app.yaml:3:9 path_twice: /etc/opt/web/motd/x on websvcs is below /etc/opt/web/motd, which is a file itself',
    ],
  },
  'a cycle of uses': {
    changes: {
      ...second('on: websvcs\nunits: [two.container]\nuses: [web]\n'),
      'apps/web/app.yaml': app('uses: [two]\n'),
    },
    says: [
      'apps/two/app.yaml:3:1 uses_ring: apps wait for each other: two on websvcs → web on websvcs → two on websvcs. Say after: false for one of them.',
    ],
  },
  'an app on an unknown guest': {
    changes: second('on: websvc\nunits: [two.container]\n'),
    says: ['apps/two/app.yaml:1:1 unknown_target: there is no guest or host websvc. Did you mean websvcs?'],
  },
  'a Quadlet with an unknown key': {
    changes: { 'apps/web/web.container': '[Container]\nImage=docker.io/library/nginx:1.29.1\nVolum=/a:/b\n' },
    says: [
      'apps/web/web.container:3:1 unknown_key: Podman knows no key Volum in [Container]. Did you mean Volume?',
    ],
  },
  'bytes that are not UTF-8': {
    changes: { 'apps/web/web.container': new Uint8Array([0x5b, 0x43, 0x5d, 0x0a, 0x78, 0xff, 0x0a]) },
    says: [
      'apps/web/web.container:2:2 not_utf8: the bytes from here on are not UTF-8. Save the file as UTF-8.',
    ],
  },
  'YAML that is not UTF-8': {
    changes: { 'vars.yaml': new Uint8Array([0x61, 0x3a, 0x20, 0xc3, 0x28, 0x0a]) },
    says: ['vars.yaml:1:4 not_utf8: the bytes from here on are not UTF-8. Save the file as UTF-8.'],
  },
  'a unit that is not there': {
    changes: second('on: websvcs\nunits: [tow.container]\n'),
    says: [
      "apps/two/app.yaml:2:9 unit_missing: there is no tow.container in the app's folder. Did you mean two.container?",
    ],
  },
  'a secret that app.yaml does not list': {
    changes: { 'apps/web/web.ini.j2': "password = {{ secret('web_password') }}\n" },
    says: [
      'apps/web/app.yaml:4:5 secret_undeclared: /etc/opt/web/web.ini holds the secret web_password, which app.yaml does not list',
    ],
  },
  'an access rule that is not there': {
    changes: second('on: secsvcs\nunits: [two.container]\nroute: { host: two, port: 1, access: admin }\n'),
    says: [
      'apps/two/app.yaml:3:30 unknown_access: there is no access admin in homelab.yaml. Did you mean admins?',
    ],
  },
  'a value with a name of Writ': {
    changes: { 'vars.yaml': 'home: x\n' },
    says: [
      'vars.yaml:1:1 reserved_name: home is what templates are given by Writ; a value cannot have that name',
    ],
  },
  'no homelab.yaml': {
    changes: { 'homelab.yaml': undefined },
    says: ['homelab.yaml:1:1 homelab_missing: there is no homelab.yaml in the repo'],
  },
  'a folder without app.yaml': {
    changes: { 'apps/two/x': 'x' },
    says: [
      'apps/two/app.yaml:1:1 app_file_missing: the folder apps/two has no app.yaml. writ new app two writes one.',
    ],
  },
};

for (const [name, { changes, says }] of Object.entries(cases)) {
  test(`${name} is told with its place`, async () => {
    assert.deepEqual(await errorsOf(changes), says);
  });
}

test('everything that is wrong is told in one run, sorted by place', async () => {
  const changes: Changes = {
    ...cases['a wrong type']!.changes,
    ...cases['a duplicate key']!.changes,
    ...cases['an anchor bomb']!.changes,
    ...cases['an app on an unknown guest']!.changes,
    'apps/three/app.yaml': 'on: secsvcs\nfiles: [{ from: x.j2, to: /etc/x }]\n',
    'apps/three/x.j2': '\n{{ 1 | uper }}\n',
    'runbooks/a.yaml': 'title: x\nsteps: [{ action: guest.strat, target: websvcs }]\n',
  };
  const errors = await errorsOf(changes);
  assert.deepEqual(errors, [
    'apps/three/x.j2:2:8 template_unknown: there is no filter uper. Did you mean upper?',
    'apps/two/app.yaml:1:1 unknown_target: there is no guest or host websvc',
    'apps/web/app.yaml:8:1 yaml_duplicate_key: Map keys must be unique',
    'homelab.yaml:8:26 wrong_value: guests.websvcs.vmid: expected number',
    'runbooks/a.yaml:2:11 wrong_value: steps.0.action must be an action such as guest.start. Did you mean guest.start?',
    'vars.yaml:2:8 yaml_aliases: Excessive alias count indicates a resource exhaustion attack',
  ]);
  assert.deepEqual(
    errors.map((one: string) => one.split(':')[0]),
    errors.map((one: string) => one.split(':')[0]).toSorted(),
  );
});

test('no text makes the reader throw', async () => {
  const texts = [
    '',
    '\0',
    '[]',
    '- - -',
    '? {}',
    '!!js/function x',
    'null',
    '"',
    '\ufeffv: 1',
    '---\n---\n',
    '%YAML 9',
    '{a: *x}',
    '<<: *x',
    '1',
    'on: [[]]',
    'on: {guest: {}}',
  ];
  for (const text of texts) {
    for (const path of [
      'homelab.yaml',
      'vars.yaml',
      'apps/web/app.yaml',
      'runbooks/x.yaml',
      'apps/web/web.container',
      'apps/web/web.ini.j2',
    ]) {
      const { findings } = await buildTree(smallHome, { [path]: text });
      for (const one of findings)
        assert.ok(one.line >= 1 && one.column >= 1 && one.message !== '', `${path} ${text}`);
    }
  }
});

test('a file with very many keys is read in time', () => {
  const text = Array.from({ length: 60_000 }, (_, index) => `k${index}: 1\n`).join('');
  const from = process.cpuUsage();
  assert.ok(readYaml('vars.yaml', new TextEncoder().encode(text)).ok);
  // Each with all before it took a minute.
  assert.ok(process.cpuUsage(from).user < 20_000_000);
});

test('of a file with a fault in each line, the first hundred are told', () => {
  const read = readYaml('vars.yaml', new TextEncoder().encode(`a: b\n${'c\n'.repeat(1_000)}`));
  assert.ok(!read.ok);
  assert.equal(read.findings.length, 100);
  assert.deepEqual(
    read.findings.map((finding) => finding.line),
    read.findings.map((finding) => finding.line).toSorted((a, b) => a - b),
  );
});
