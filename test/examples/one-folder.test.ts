import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Release } from '../../schema/wire/release.ts';
import { makePlan } from '../../src/config/plan/plan.ts';
import type { Plan, PlannedFile } from '../../src/config/plan/planned.ts';
import { applyPlan } from '../support/apply-plan.ts';
import { buildExample, partOf } from './example.ts';

/** One folder: what adding an app takes. */
const folder = {
  'apps/wiki/app.yaml': [
    'title: Wiki',
    'on: websvcs',
    'units: [wiki.container]',
    'route: { host: wiki, port: 8080, public: true, access: family }',
    'metrics: { port: 9090 }',
    'ports: [{ port: 9443, from: wifi }]',
    'uses:',
    '  - { app: forgejo, port: 3000 }',
    '  - { postgres: { on: secsvcs, database: wiki, password: wiki_pg_password } }',
    '',
  ].join('\n'),
  'apps/wiki/wiki.container': [
    '[Container]',
    'Image=docker.io/library/nginx:1.29.1',
    'ContainerName=wiki',
    'Network=websvcs.network',
    'PublishPort=9090:9090',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n'),
};

async function built(changes: Readonly<Record<string, string>> = {}): Promise<Release> {
  const { release, findings } = await buildExample(changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  return release;
}

const without = await built();
const withApp = await built(folder);
const there = makePlan(without, withApp);
const back = makePlan(withApp, without);

const filesOf = (plan: Plan): (PlannedFile & { readonly target: string; readonly app: string })[] =>
  plan.targets.flatMap(({ target, apps }) =>
    apps.flatMap(({ app, files }) => files.map((file) => ({ ...file, target, app }))),
  );

/** Lines that a plan adds to a file (`+`) or takes out of it (`-`). */
function linesOf(plan: Plan, target: string, path: string, sign: '+' | '-'): string[] {
  const file = filesOf(plan).find((one) => one.target === target && one.path === path);
  assert.ok(typeof file?.diff === 'string', `${path} on ${target} is in the plan`);
  return file.diff
    .split('\n')
    .filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3)))
    .map((line) => line.slice(1).trim());
}

test('one folder brings route, DNS name, access and flow, in words', () => {
  assert.deepEqual(
    there.facts.map(({ text }) => text),
    [
      'new public route `wiki.example.net` to `wiki` on `websvcs`, for `family`',
      'new public DNS name `wiki.example.net`, `192.168.22.11`',
      '`victoriametrics@secsvcs` may reach `wiki@websvcs` at port 9090',
      '`wiki@websvcs` may reach `forgejo@websvcs` at port 3000',
      '`wiki@websvcs` may reach `postgres@secsvcs` at port 5432',
    ],
  );
  assert.deepEqual(
    there.risks.map(({ code, app }) => `${code} ${app}`),
    [
      'control_plane haproxy',
      'control_plane headscale',
      'control_plane pfsense',
      'control_plane unbound',
      'control_plane firewall',
      'access_widened wiki',
      'access_widened wiki',
      'access_widened wiki',
    ],
  );
});

/** What each system is told of the name: one line of a file, its app reloaded or restarted as it can be. */
const systems: Readonly<Record<string, readonly [target: string, path: string, line: RegExp]>> = {
  'the routers of its Traefik': [
    'websvcs',
    '/etc/opt/traefik/dynamic/home.yml',
    /^rule: 'Host\(`wiki\.example\.net`\)'$/,
  ],
  'the Traefik that answers while it sleeps': [
    'secsvcs',
    '/etc/opt/traefik/dynamic/home.yml',
    /^rule: 'Host\(`wiki\.example\.net`\)'$/,
  ],
  'HAProxy’s map of names': ['cloud', '/etc/haproxy/names.map', /^wiki\.example\.net be_websvcs$/],
  'Unbound’s zone': [
    'secsvcs',
    '/etc/unbound/unbound.conf.d/home.conf',
    /^local-data: "wiki\.example\.net\. 300 IN A 192\.168\.22\.11"$/,
  ],
  'pfSense’s host overrides': ['pve1', '/etc/opt/pfsense/host-overrides.json', /^"host": "wiki",$/],
  'Authelia’s rules': ['secsvcs', '/etc/opt/authelia/access-control.yml', /^- 'wiki\.example\.net'$/],
  'the script that makes databases': [
    'secsvcs',
    '/etc/opt/databases/roles.sql',
    /^SELECT 'CREATE DATABASE "wiki" OWNER "wiki"'/,
  ],
  'Postgres’ pg_hba.conf': [
    'secsvcs',
    '/etc/opt/postgres/pg_hba.conf',
    /^hostssl {2}"wiki" {2}"wiki" {2}192\.168\.22\.11\/32 {2}scram-sha-256$/,
  ],
  'the list of certificates': [
    'secsvcs',
    '/etc/opt/certificates/names.json',
    /^"name": "wiki\.example\.net",$/,
  ],
  'the rules of the router': [
    'pve1',
    '/etc/opt/pfsense/rules.json',
    /^"descr": "Writ: wifi to wiki on websvcs"$/,
  ],
  'the firewall of its machine': [
    'websvcs',
    '/etc/opt/firewall/ruleset.nft',
    /^meta l4proto tcp ct original proto-dst 9443 ip saddr \{ 192\.168\.10\.0\/24 \} accept comment "wiki"$/,
  ],
  'Headscale’s records': [
    'cloud',
    '/etc/headscale/records.json',
    /"wiki\.example\.net","type":"A","value":"100\.64\.0\.21"/,
  ],
  'what Gatus asks': ['secsvcs', '/etc/opt/gatus/home.yaml', /^url: 'https:\/\/wiki\.example\.net\/'$/],
  'who is asked for metrics': ['secsvcs', '/etc/opt/victoriametrics/scrape.yml', /^app: 'wiki'$/],
  'the rules of alerts': [
    'secsvcs',
    '/etc/opt/victoriametrics/rules/home.yml',
    /^expr: 'node_systemd_units\{machine="websvcs",.*name=~"wiki\\\\\.service"/,
  ],
  'Grafana’s page of the home': [
    'secsvcs',
    '/etc/opt/grafana/dashboards/home.json',
    /^"legendFormat": "Wiki \(wiki\.example\.net\)",$/,
  ],
  'the landing page': [
    'secsvcs',
    '/etc/opt/homepage/services.yaml',
    /^href: 'https:\/\/wiki\.example\.net\/'$/,
  ],
};

for (const [name, [target, path, line]] of Object.entries(systems)) {
  test(`one folder brings a line of ${name}, and takes it away`, () => {
    const added = linesOf(there, target, path, '+').filter((one) => line.test(one));
    assert.equal(added.length, 1);
    assert.deepEqual(
      linesOf(back, target, path, '-').filter((one) => line.test(one)),
      added,
    );
  });
}

test('one folder brings a network for each flow of it, and takes them away', () => {
  const added = filesOf(there).filter(({ path, kind }) => path.endsWith('.network') && kind === 'added');
  assert.deepEqual(
    added.map(({ target, app, path }) => [target, app, path]),
    ['forgejo_wiki', 'traefik_wiki'].map((name) => [
      'websvcs',
      'podman',
      `/etc/containers/systemd/${name}.network`,
    ]),
  );
  const path = '/etc/containers/systemd/wiki.container.d/50-writ-network.conf';
  const joined = ['Network=forgejo_wiki.network', 'Network=traefik_wiki.network'];
  assert.deepEqual(linesOf(there, 'websvcs', path, '+').slice(-2), joined);
  const removed = filesOf(back).filter(({ kind }) => kind === 'removed');
  for (const { path: network } of added) assert.ok(removed.some((one) => one.path === network));
});

/** `effect service`, of what does something. */
const moved = (plan: Plan, isWanted: (target: string) => boolean): string[] =>
  plan.targets
    .filter(({ target }) => isWanted(target))
    .flatMap(({ target, apps }) =>
      apps.flatMap(({ units }) =>
        units
          .filter(({ effect }) => effect !== 'untouched')
          .map(({ service, effect }) => `${effect} ${service} on ${target}`),
      ),
    );

test('on its own machine the app starts, and who joins its networks starts again', () => {
  assert.deepEqual(
    moved(there, (target) => target === 'websvcs'),
    [
      'reload home-firewall.service on websvcs',
      'restart forgejo.service on websvcs',
      'start forgejo_wiki-network.service on websvcs',
      'start traefik_wiki-network.service on websvcs',
      'restart traefik.service on websvcs',
      'start wiki.service on websvcs',
    ],
  );
  const { untouched } = there.targets.find(({ target }) => target === 'websvcs')!;
  const touched = ['firewall', 'forgejo', 'podman', 'traefik'];
  const others = partOf(without.manifest.parts, 'websvcs').apps.map(({ name }) => name);
  assert.ok(others.length > 10, `${others.length} apps`);
  assert.deepEqual(
    untouched,
    others.filter((name) => !touched.includes(name)),
  );
});

test('away from it, what can reload does', () => {
  assert.deepEqual(
    moved(there, (target) => target !== 'websvcs'),
    [
      'reload haproxy.service on cloud',
      'restart pfsense-names.service on pve1',
      'restart pfsense-rules.service on pve1',
      'restart authelia.service on secsvcs',
      'restart databases.service on secsvcs',
      'reload postgres-dump.timer on secsvcs',
      'reload postgres.service on secsvcs',
      'reload unbound.service on secsvcs',
      'reload victoriametrics.service on secsvcs',
      'reload vmalert.service on secsvcs',
    ],
  );
});

test('the plan back is the mirror, and ends where it began', async () => {
  const turned = { added: 'removed', removed: 'added', changed: 'changed' } as const;
  const kindsOf = (plan: Plan) => filesOf(plan).map(({ target, path, kind }) => ({ target, path, kind }));
  assert.deepEqual(
    kindsOf(back),
    kindsOf(there).map(({ kind, ...file }) => ({ ...file, kind: turned[kind] })),
  );
  assert.deepEqual(
    back.facts.map(({ kind, subject, change }) => [kind, subject, change]),
    there.facts.map(({ kind, subject, change }) => [kind, subject, turned[change]]),
  );
  for (const { diff } of filesOf(back)) assert.equal(typeof diff, 'string');
  assert.equal(await applyPlan(withApp, back, without.blobs), without.digest);
  assert.equal(await applyPlan(without, there, withApp.blobs), withApp.digest);
});
