import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Doubt } from '../../../../src/config/generate/generator.ts';
import { headscale } from '../../../../src/config/generate/headscale.ts';
import type { Home } from '../../../../src/config/home.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { tailnetHome } from '../../../support/tailnet-home.ts';

type Policy = {
  readonly groups: Readonly<Record<string, readonly string[]>>;
  readonly hosts: Readonly<Record<string, string>>;
  readonly tagOwners: Readonly<Record<string, readonly string[]>>;
  readonly autoApprovers: { readonly routes: Readonly<Record<string, readonly string[]>> };
  readonly acls: readonly object[];
  readonly tests: readonly {
    readonly src: string;
    readonly accept?: readonly string[];
    readonly deny?: readonly string[];
  }[];
};

function home(changes: Tree = {}): Home {
  const { home: model, findings } = homeOf(tailnetHome(changes));
  assert.deepEqual(findings, []);
  return model;
}

function made(model: Home, options: object = {}): { policy: Policy; doubts: readonly Doubt[]; text: string } {
  const place = { app: 'headscale', target: 'cloud' };
  const { made: one, doubts } = generateFor(headscale, 'policy', model, place, { ...options });
  const text = one.kind === 'file' ? one.text : '';
  return { policy: JSON.parse(text), doubts, text };
}

const told = ({ doubts }: { doubts: readonly Doubt[] }): string[] =>
  doubts.map(({ severity, code, message }) => `${severity} ${code}: ${message}`);
const accept = (src: string, ...dst: string[]): object => ({ action: 'accept', src: [src], dst });

test('people are in their groups, and what a home names is there', () => {
  const { policy, doubts } = made(home());
  assert.deepEqual(doubts, []);
  assert.deepEqual(policy.groups, {
    'group:admins': ['anna@'],
    'group:family': ['anna@', 'ben@'],
    'group:guests': [],
  });
  assert.deepEqual(policy.hosts, { lan: '192.168.20.0/24', wifi: '192.168.10.0/24' });
  assert.deepEqual(policy.autoApprovers.routes, {
    '192.168.20.0/24': ['tag:router'],
    '192.168.10.0/24': ['tag:router'],
  });
  const tags = ['tag:edge', 'tag:host', 'tag:guest', 'tag:router'];
  assert.deepEqual(policy.tagOwners, Object.fromEntries(tags.map((tag) => [tag, ['group:admins']])));
});

test('admins reach all, members the proxies, the public machine what is public, relays the control plane', () => {
  assert.deepEqual(made(home()).policy.acls, [
    accept('group:admins', 'lan:*', 'wifi:*', 'tag:edge:*', 'tag:host:*', 'tag:guest:*', 'tag:router:*'),
    accept('autogroup:member', 'tag:guest:443'),
    accept('tag:edge', 'tag:guest:8443'),
    accept('tag:host', 'tag:edge:8420'),
  ]);
});

test('ports are those of the home', () => {
  const model = home({
    'homelab.yaml': `${tailnetHome()['homelab.yaml']}ingress: { home: 4443, public: 9443 }\n`,
  });
  const { acls } = made(model, { control_port: 9000 }).policy;
  assert.deepEqual(acls.slice(1), [
    accept('autogroup:member', 'tag:guest:4443'),
    accept('tag:edge', 'tag:guest:9443'),
    accept('tag:host', 'tag:edge:9000'),
  ]);
});

test('without public routes the public machine reaches nothing at home', () => {
  const model = home({
    'apps/wiki/app.yaml': 'on: web\nservice: w.service\nroute: { host: wiki, port: 80 }\n',
  });
  const { acls, tests } = made(model).policy;
  assert.ok(!acls.some((rule) => JSON.stringify(rule).includes('"tag:edge"]')));
  assert.equal(tests.find(({ src }) => src === 'tag:edge')!.accept, undefined);
});

test('a proxy on a host is reached by the tag of hosts', () => {
  const model = home({
    'apps/wiki/app.yaml': 'on: pve1\nservice: w.service\nroute: { host: wiki, port: 80, public: true }\n',
  });
  assert.deepEqual(made(model).policy.acls[1], accept('autogroup:member', 'tag:host:443'));
});

test('tests say what must hold: of tags and people that have devices', () => {
  const { policy } = made(home(), { with_devices: ['anna', 'ben'] });
  // Of a network without machines the first address stands for all.
  const lan = ['192.168.20.2:22', '192.168.10.0:22'];
  const shells = ['tag:edge:22', 'tag:host:22', 'tag:guest:22', ...lan];
  assert.deepEqual(policy.tests, [
    {
      src: 'tag:edge',
      accept: ['tag:guest:8443'],
      deny: [
        'tag:host:443',
        'tag:guest:443',
        ...['192.168.20.2:443', '192.168.10.0:443', '192.168.20.1:443', '192.168.20.11:443'],
        ...['tag:host:22', 'tag:guest:22'],
        ...['192.168.20.2:22', '192.168.10.0:22', '192.168.20.1:22', '192.168.20.11:22'],
        ...['tag:host:8006', '192.168.20.2:8006'],
      ],
    },
    {
      src: 'tag:host',
      accept: ['tag:edge:8420'],
      deny: ['tag:edge:22', 'tag:guest:22', ...lan, 'tag:guest:443'],
    },
    { src: 'tag:guest', deny: ['tag:edge:22', 'tag:host:22', ...lan] },
    { src: 'anna@', accept: shells },
    { src: 'ben@', accept: ['tag:guest:443'], deny: shells },
  ]);
  assert.deepEqual(
    made(home()).policy.tests.map(({ src }) => src),
    ['tag:edge', 'tag:host', 'tag:guest', 'anna@'],
  );
});

test('tests do not follow the rules', () => {
  const { tests } = made(home()).policy;
  const wide = { action: 'accept', src: ['*'], dst: ['*:*'] };
  assert.deepEqual(made(home(), { extra: { acls: [wide] } }).policy.tests, tests);
});

test('a tag without a machine on the tailnet is not tested', () => {
  const homelab = tailnetHome()['homelab.yaml'] as string;
  const model = home({ 'homelab.yaml': homelab.replace(', tailnet: 100.64.0.11', '') });
  const text = JSON.stringify(made(model).policy.tests);
  assert.ok(!text.includes('tag:guest'));
});

test('a port that an app opens to a machine is a rule where the tailnet is the only way', () => {
  const app = (ports: string, on = 'cloud'): Tree => ({
    'apps/node/app.yaml': `on: ${on}\nservice: node.service\nports: [${ports}]\n`,
  });
  const more = (ports: string, on?: string): readonly object[] =>
    made(home(app(ports, on))).policy.acls.slice(4);
  assert.deepEqual(more('{ port: 9100, from: web }'), [
    { action: 'accept', proto: 'tcp', src: ['100.64.0.11'], dst: ['100.64.0.1:9100'] },
  ]);
  assert.deepEqual(more('{ port: 5140, proto: udp, from: cloud }', 'web'), [
    { action: 'accept', proto: 'udp', src: ['100.64.0.1'], dst: ['100.64.0.11:5140'] },
  ]);
  // At home by the home's own network; from a network of it; from itself; as the ingress says already.
  assert.deepEqual(more('{ port: 9100, from: web }', 'pve1'), []);
  assert.deepEqual(more('{ port: 9100, from: lan }'), []);
  assert.deepEqual(more('{ port: 9100, from: cloud }'), []);
  assert.deepEqual(more('{ port: 8443, from: cloud }', 'web'), []);
});

test('no app opens to the public machine what only the home may reach', () => {
  for (const port of [443, 22]) {
    const model = home({
      'apps/node/app.yaml': `on: web\nservice: node.service\nports: [{ port: ${port}, from: cloud }]\n`,
    });
    const one = made(model);
    assert.deepEqual(told(one), [
      `error edge_reaches: node lets cloud, which is public, to port ${port} of web, which only the home may reach`,
    ]);
    assert.equal(one.policy.acls.length, 4);
  }
  const tree = String(tailnetHome()['homelab.yaml']).replace(', address: 192.168.20.2', '');
  const away = home({
    'homelab.yaml': tree,
    'apps/node/app.yaml': 'on: pve1\nservice: node.service\nports: [{ port: 8006, from: cloud }]\n',
  });
  assert.match(told(made(away)).join(), /edge_reaches: node lets cloud, .* to port 8006 of pve1/);
});

test('options name tags and admins, and put more in', () => {
  const rule = { action: 'accept', src: ['autogroup:member'], dst: ['192.168.20.1:53'] };
  const { policy, doubts } = made(home(), {
    admins: 'family',
    tags: { edge: 'public' },
    acls: [rule],
    tests: [{ src: 'tag:public', deny: ['192.168.20.1:53'] }],
    extra: { randomizeClientPort: true, groups: { 'group:guests': ['carl@'] } },
  });
  assert.deepEqual(doubts, []);
  assert.deepEqual(policy.tagOwners['tag:public'], ['group:family']);
  assert.deepEqual(policy.acls[3], accept('tag:host', 'tag:public:8420'));
  assert.deepEqual(policy.acls[4], rule);
  assert.equal(policy.tests.at(-1)!.src, 'tag:public');
  assert.deepEqual(policy.groups['group:guests'], ['carl@']);
  assert.equal((policy as Record<string, unknown>).randomizeClientPort, true);
});

test('what would let everybody in, or nobody, is told', () => {
  assert.deepEqual(told(made(home(), { extra: { acls: null } })), [
    'error wrong_option: without acls and grants Headscale lets everybody reach everything',
  ]);
  assert.deepEqual(told(made(home(), { admins: 'owners' })), [
    'warning group_empty: nobody is in group:owners, so that nobody reaches the machines over the tailnet',
  ]);
  assert.deepEqual(told(made(home(), { with_devices: ['carl'] })), [
    'error wrong_option: options.with_devices names carl, who is none of the people',
  ]);
  assert.deepEqual(told(made(home(), { tag: {} })), ['error wrong_option: there is no option tag']);
});

test('records are the names whose proxy is on the tailnet, the public machine’s own and wildcards apart', () => {
  const model = home({
    'apps/any/app.yaml': 'on: web\nservice: any.service\nroute: { host: "*.any", port: 82 }\n',
  });
  const { made: one } = generateFor(headscale, 'records', model, { app: 'headscale', target: 'cloud' });
  assert.equal(
    one.kind === 'file' && one.text,
    [
      '[',
      '  {"name":"lan.example.net","type":"A","value":"100.64.0.2"},',
      '  {"name":"wiki.example.net","type":"A","value":"100.64.0.11"}',
      ']',
      '',
    ].join('\n'),
  );
  const none = generateFor(
    headscale,
    'records',
    { ...model, names: [] },
    { app: 'headscale', target: 'cloud' },
  );
  assert.equal(none.made.kind === 'file' && none.made.text, '[]\n');
});
