import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Release } from '../../schema/wire/release.ts';
import { makePlan } from '../../src/config/plan/plan.ts';
import type { Plan } from '../../src/config/plan/planned.ts';
import { applyPlan } from '../support/apply-plan.ts';
import { linesIn, plannedFiles } from '../support/plan-lines.ts';
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

test('one folder brings a network for each flow of it, and takes them away', () => {
  const added = plannedFiles(there).filter(({ path, kind }) => path.endsWith('.network') && kind === 'added');
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
  assert.deepEqual(linesIn(there, 'websvcs', path, '+').slice(-2), joined);
  const removed = plannedFiles(back).filter(({ kind }) => kind === 'removed');
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
  const kindsOf = (plan: Plan) =>
    plannedFiles(plan).map(({ target, path, kind }) => ({ target, path, kind }));
  assert.deepEqual(
    kindsOf(back),
    kindsOf(there).map(({ kind, ...file }) => ({ ...file, kind: turned[kind] })),
  );
  assert.deepEqual(
    back.facts.map(({ kind, subject, change }) => [kind, subject, change]),
    there.facts.map(({ kind, subject, change }) => [kind, subject, turned[change]]),
  );
  for (const { diff } of plannedFiles(back)) assert.equal(typeof diff, 'string');
  assert.equal(await applyPlan(withApp, back, without.blobs), without.digest);
  assert.equal(await applyPlan(without, there, withApp.blobs), withApp.digest);
});
