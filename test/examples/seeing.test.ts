import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatusProgram, hasEmptyNetwork, startGatus } from '../support/gatus-program.ts';
import { missing } from '../support/missing.ts';
import { buildExample, filesOf } from './example.ts';

/** What the programs by which people see the home say of their files. */
const { release, home, findings } = await buildExample();
assert.ok(release !== undefined && home !== undefined, JSON.stringify(findings));
const files = filesOf(release, 'secsvcs');
const textOf = (path: string): string => files.get(path)!;

const lacks =
  gatusProgram === null ? 'gatus' : hasEmptyNetwork ? null : 'a network of a process of its own, for Gatus';
if (lacks !== null) missing(`${lacks}, which judges the example's endpoints`);

test('Gatus takes its files, and tells who is to be told', { skip: lacks ?? false }, async (t) => {
  const own = textOf('/etc/opt/gatus/own.yaml').replace(/type: sqlite\n {2}path: .*\n/, 'type: memory\n');
  const text = textOf('/etc/opt/gatus/home.yaml');
  const env = { NTFY_TOKEN: 'tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2' };
  const started = startGatus(t, { 'own.yaml': own, 'home.yaml': text }, { emptyNetwork: true, env });
  const names: string[] = parse(text).endpoints.map(({ name }: { name: string }) => name);
  assert.ok(names.length >= 30, `${names.length} endpoints`);
  await started.until(/Monitored group=/);
  assert.equal(started.child.exitCode, null, started.log());
  assert.doesNotMatch(started.log(), /Ignoring provider|invalid overrides|panic/);
});

test('everything on the tower has its hours in which it is not missed, and what is always on has none', () => {
  const { endpoints } = parse(textOf('/etc/opt/gatus/home.yaml')) as {
    endpoints: { name: string; group: string; 'maintenance-windows'?: unknown }[];
  };
  const tower = new Set(['pve2', 'websvcs', 'nas']);
  const always = new Set(['pve1', 'secsvcs', 'homesvcs', 'cloud', 'router']);
  for (const { name, group, 'maintenance-windows': windows } of endpoints) {
    assert.ok(
      tower.has(group) || always.has(group) || home.devices[group] !== undefined,
      `${name} of ${group}`,
    );
    assert.equal(windows !== undefined, tower.has(group), name);
  }
});

test('the page of the home asks only what Prometheus can read', (t) => {
  const { panels } = JSON.parse(textOf('/etc/opt/grafana/dashboards/home.json')) as {
    panels: { targets?: { expr: string; datasource: { type: string; uid: string } }[] }[];
  };
  const targets = panels.flatMap(({ targets = [] }) => targets);
  const { datasources } = parse(textOf('/etc/opt/grafana/provisioning/datasources/home.yml')) as {
    datasources: { uid: string }[];
  };
  const uids = datasources.map(({ uid }) => uid);
  for (const { datasource } of targets) assert.ok(uids.includes(datasource.uid), datasource.uid);
  const queries = targets
    .filter(({ datasource }) => datasource.type === 'prometheus')
    .map(({ expr }) => expr);
  for (const prefix of ['writ_', 'node_', 'gatus_', 'traefik_', 'vm_', 'vl_', 'house_', 'ALERTS'])
    assert.ok(
      queries.some((query) => query.includes(prefix)),
      prefix,
    );
  if (spawnSync('promtool', ['--version']).error !== undefined) {
    missing("promtool, which reads the queries of the example's page");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'writ-page-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'page', rules }] }));
  const done = spawnSync('promtool', ['check', 'rules', join(folder, 'rules.yml')], { encoding: 'utf8' });
  assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
});

test('each page that people go to is on the landing page, and the journals of the guests are sent', () => {
  const groups = parse(textOf('/etc/opt/homepage/services.yaml')) as Record<
    string,
    Record<string, { href: string }>[]
  >[];
  const hrefs = groups.flatMap((group) =>
    Object.values(group).flatMap((services) =>
      services.flatMap((service) => Object.values(service).map(({ href }) => href)),
    ),
  );
  for (const host of ['home', 'films', 'git', 'graph', 'status'])
    assert.ok(hrefs.includes(`https://${host}.example.net/`), host);
  for (const host of ['waking', 'headscale', 'start'])
    assert.ok(!hrefs.includes(`https://${host}.example.net/`), host);
  for (const target of ['secsvcs', 'homesvcs', 'websvcs']) {
    const conf = filesOf(release, target).get('/etc/systemd/journal-upload.conf.d/home.conf');
    assert.match(conf ?? '', /^URL=http:\/\/192\.168\.21\.11:9428\/insert\/journald$/m, target);
  }
});
