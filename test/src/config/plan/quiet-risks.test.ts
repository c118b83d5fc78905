import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMarkdown } from '../../../../src/config/plan/markdown.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { type Changes, planOf } from './plan-of.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;
const unit = smallHome['apps/web/web.container'] as string;
const home = smallHome['homelab.yaml'] as string;

const routes = (...lines: readonly string[]): Changes => ({
  'apps/web/app.yaml': yaml.replace(
    /route: .*/,
    ['routes:', ...lines.map((line) => `  - { host: www, port: 8080, ${line} }`)].join('\n'),
  ),
});
const container = (text: string): Changes => ({ 'apps/web/web.container': text });

const risksOf = async (changes: Changes, before: Changes = {}): Promise<string[]> =>
  (await planOf(changes, before)).risks.map(({ text }) => text);

test('a guarded name whose guard can be gone round is flagged', async () => {
  const admin = 'name: a, access: admins, when: { path: /admin }';
  const where = (when: string): string => `\`www.example.net\` (where \`${when}\`)`;
  const otherAnswers = 'is no longer guarded by `admins`: another route answers there, which lets in others';
  const cases: readonly (readonly [before: Changes, changes: Changes, risks: readonly string[]])[] = [
    [
      routes('access: admins'),
      routes('access: admins', 'name: b, when: { path: /api }'),
      [`${where('{"path":["/api"]}')} is a new route, which lets in whom \`admins\` did not`],
    ],
    [
      routes('access: admins, public: true'),
      routes('access: admins, public: true', 'name: b, public: true, when: { path: /api }'),
      [`${where('{"path":["/api"]}')} is a new public route, and no access rule guards it`],
    ],
    [
      routes('access: admins'),
      routes('access: admins', 'name: b, priority: 5000'),
      [`${where('{"priority":5000}')} is a new route, which lets in whom \`admins\` did not`],
    ],
    [routes(admin, 'name: b'), routes('name: b'), [`${where('{"path":["/admin"]}')} ${otherAnswers}`]],
    [
      routes(admin, 'name: b'),
      routes(admin.replace('/admin', '/admin/x'), 'name: b'),
      [`${where('{"path":["/admin"]}')} ${otherAnswers}`],
    ],
    [routes('access: admins'), routes('access: admins', 'name: b, access: admins, when: { path: /x }'), []],
    [routes(admin), routes('name: b, access: admins'), []],
  ];
  for (const [before, changes, risks] of cases) assert.deepEqual(await risksOf(changes, before), risks);
});

test('a name on the entry point that the public machine reaches counts as public', async () => {
  const [before, after] = [
    'name: a, access: admins',
    'name: a, access: admins, entry_points: [home, public]',
  ];
  assert.deepEqual(await risksOf(routes(after!), routes(before!)), ['`www.example.net` becomes public']);
});

test('an access widens with the network that it names', async () => {
  const before = { 'homelab.yaml': home.replace('{ groups: admins }', '{ from: lan, policy: bypass }') };
  const after = { 'homelab.yaml': before['homelab.yaml'].replace('20.0/24', '0.0/16') };
  const { facts, risks } = await planOf(after, before);
  assert.deepEqual(
    risks.map(({ text }) => text),
    ['the access rule `admins` lets in whom it did not'],
  );
  assert.deepEqual(
    facts.map(({ text }) => text),
    ['the access rule `admins` holds from `lan (192.168.0.0/16)`, before from `lan (192.168.20.0/24)`'],
  );
});

test('a port that a unit publishes by itself is flagged', async () => {
  const open = `${unit}PublishPort=8081:80/tcp\n`;
  const at = '`/etc/containers/systemd/web.container` on `websvcs`';
  assert.deepEqual(await risksOf(container(open)), [
    `${at} publishes \`8081:80/tcp\`, for everybody who reaches the machine`,
  ]);
  assert.deepEqual(await risksOf(container(`${unit}PublishPort=127.0.0.1:8081:80\n`)), []);
  assert.deepEqual(await risksOf(container(`${open}Label=a=b\n`), container(open)), []);
  const stated = { ...container(open), 'apps/web/app.yaml': `${yaml}ports: [{ port: 8081, from: lan }]\n` };
  assert.deepEqual(await risksOf(stated), ['port 8081/tcp on `websvcs` opens to `lan`']);
  assert.deepEqual(await risksOf(container(`${unit}Network=host\n`)), [
    `${at} gets the machine's own network: whatever it listens at is open there`,
  ]);
});

test('a volume that a container no longer has, or that becomes another one, is flagged', async () => {
  const gone = (name: string): string =>
    `\`/etc/containers/systemd/web.container\` on \`websvcs\` no longer mounts the volume \`${name}\`; its data stays where it is`;
  const data = 'Volume=webdata.volume:/data\n';
  assert.deepEqual(await risksOf(container(unit.replace(data, ''))), [gone('webdata.volume')]);
  assert.deepEqual(await risksOf(container(unit.replace(data, data.replace('/data', '/x')))), []);
  assert.deepEqual(await risksOf(container(unit), container(`${unit}Volume=plain:/y\n`)), [gone('plain')]);
  assert.deepEqual(await risksOf({ 'apps/web/webdata.volume': '[Volume]\nVolumeName=other\n' }), [
    '`/etc/containers/systemd/webdata.volume` on `websvcs` becomes another volume, which is empty at first; the data of the old one stays where it is',
  ]);
  assert.deepEqual(await risksOf({ 'apps/web/webdata.volume': '[Volume]\nLabel=a=b\n' }), []);
});

test('no name ends its span of code in Markdown', async () => {
  const plan = await planOf({
    'apps/web/app.yaml': yaml.replace(
      'files:',
      'files:\n  - { from: d/, to: "/etc/opt/x`<!--/", prune: true }',
    ),
    'apps/web/d/a': 'a\n',
  });
  assert.match(planMarkdown(plan), /is removed from `\/etc\/opt\/x'<!--` on `websvcs`\n/);
});
