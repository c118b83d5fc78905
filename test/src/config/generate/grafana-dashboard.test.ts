import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { grafana } from '../../../../src/config/generate/grafana.ts';
import { proxmox } from '../../../../src/config/generate/proxmox.ts';
import { exportedMetrics } from '../../../support/exported-metrics.ts';
import { missing } from '../../../support/missing.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { homelabWith, madeFor } from '../../../support/seen-home.ts';
import { freePort } from '../../../support/traefik-program.ts';

const container = (name: string, image: string, ...more: readonly string[]): Tree => ({
  [`apps/${name}/${name}.container`]: [
    '[Container]',
    `Image=${image}`,
    `ContainerName=${name}`,
    ...more,
    '',
  ].join('\n'),
});
const app = (name: string, ...lines: readonly string[]): Tree => ({
  [`apps/${name}/app.yaml`]: [...lines, ''].join('\n'),
});

/** Everything that the dashboard knows to draw. */
const drawnHome: Tree = {
  ...app(
    'graph',
    'on: secsvcs',
    'units: [graph.container]',
    'uses: [{ app: vm, port: 8428 }, { app: vl, port: 9428 }]',
  ),
  ...container('graph', 'docker.io/grafana/grafana:12.2.0'),
  ...app(
    'vm',
    'title: Numbers',
    'on: secsvcs',
    'units: [vm.container]',
    'metrics: { port: 8428 }',
    'files: [{ generate: scrape/config, to: /etc/opt/vm/scrape.yml }]',
  ),
  ...container('vm', 'docker.io/victoriametrics/victoria-metrics:v1.124.0'),
  ...app('vl', 'title: Lines', 'on: secsvcs', 'units: [vl.container]', 'metrics: { port: 9428 }'),
  ...container('vl', 'docker.io/victoriametrics/victoria-logs:v1.26.0'),
  ...app(
    'node',
    'on: [secsvcs, websvcs, pve1]',
    'service: prometheus-node-exporter.service',
    'metrics: { port: 9100 }',
  ),
  ...app('traefik', 'on: [secsvcs, websvcs]', 'units: [traefik.container]', 'metrics: { port: 8082 }'),
  ...container('traefik', 'docker.io/library/traefik:v3.5.2', 'PublishPort=8082:8082'),
  ...app('writ', 'on: cloud', 'service: writ.service'),
  ...app(
    'house',
    'on: pve1',
    'files: [{ generate: proxmox/metrics, to: /usr/local/bin/house, mode: "0755" }]',
  ),
  'apps/gatus/app.yaml':
    'on: secsvcs\nunits: [gatus.container]\nmetrics: { port: 8080 }\nroute: { host: status, port: 8080 }\n',
};

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { readonly type: string; readonly uid: string };
  }[];
};
type Dashboard = { readonly uid: string; readonly title: string; readonly panels: readonly Panel[] };
type Options = Readonly<Record<string, unknown>>;

const place = { app: 'graph', target: 'secsvcs' };
const make = (changes: Tree = {}, options: Options = {}) =>
  madeFor(grafana, 'dashboard', place, { ...drawnHome, ...changes }, options);
function dashboardOf(changes: Tree = {}, options: Options = {}): Dashboard {
  const { text, doubts } = make(changes, options);
  assert.deepEqual(doubts, []);
  return JSON.parse(text);
}
const rowsOf = ({ panels }: Dashboard): string[] =>
  panels.filter(({ type }) => type === 'row').map(({ title }) => title);
const queriesOf = ({ panels }: Dashboard): string[] =>
  panels.flatMap(({ targets = [] }) =>
    targets.filter(({ datasource }) => datasource.type === 'prometheus').map(({ expr }) => expr),
  );

const whole = dashboardOf();

test('what tells of storages is an output that there is', () => {
  assert.ok(String(drawnHome['apps/house/app.yaml']).includes('generate: proxmox/metrics'));
  assert.ok(Object.hasOwn(proxmox.outputs, 'metrics'));
});

test('a row a host with its title, and one for each of the others that has anything to draw', () => {
  assert.deepEqual(rowsOf(whole), [
    'Now',
    'cloud',
    'pve1, the small server',
    'pve2, the tower',
    'Names',
    'Releases',
    'Storages and backups',
    'What is kept of all this',
    'Alerts',
    'Errors in the journals',
  ]);
  assert.deepEqual([whole.uid, whole.title], ['writ-home', 'our home']);
});

test('what nobody tells is not drawn', () => {
  /** The home with nothing but where these are, and what tells nothing there. */
  const only = (...names: readonly string[]): Dashboard => {
    const kept = Object.entries(drawnHome).filter(([path]) => names.includes(path.split('/')[1]!));
    const { text, doubts } = madeFor(grafana, 'dashboard', place, {
      ...app('gatus', 'on: secsvcs'),
      ...app('vl', 'on: secsvcs'),
      ...Object.fromEntries(kept),
    });
    assert.deepEqual(doubts, []);
    return JSON.parse(text);
  };
  const bare = only('graph', 'vm');
  assert.deepEqual(rowsOf(bare), ['Now', 'What is kept of all this', 'Alerts']);
  assert.doesNotMatch(queriesOf(bare).join('\n'), /writ_|node_|gatus_|traefik_|vl_|house_/);
  for (const [name, prefix] of [
    ['node', 'node_'],
    ['traefik', 'traefik_'],
    ['writ', 'writ_'],
    ['house', 'house_'],
    ['vl', 'vl_'],
    ['gatus', 'gatus_'],
  ] as const) {
    const queries = queriesOf(only('graph', 'vm', name)).join('\n');
    assert.ok(queries.includes(prefix), name);
    assert.deepEqual(
      [...queries.matchAll(/\b(writ_|node_|gatus_|traefik_|vl_|house_)/g)].filter(
        ([found]) => found !== prefix,
      ),
      [],
      name,
    );
  }
});

test('a host is drawn with the guests that are on it, and machines that tell of themselves', () => {
  const start = whole.panels.findIndex(({ title }) => title === 'pve2, the tower');
  const row = whole.panels.slice(start + 1);
  const own = row.slice(
    0,
    row.findIndex(({ type }) => type === 'row'),
  );
  const text = own.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
  assert.match(text, /writ_host_up\{host="pve2"\} \+ 2 \* writ_host_expected_off\{host="pve2"\}/);
  assert.match(text, /writ_target_healthy\{target=~"gaming\|pve2\|websvcs"\}/);
  assert.match(text, /node_cpu_seconds_total\{machine=~"websvcs",mode="idle"\}/);
  assert.deepEqual(own.map(({ title }) => title).slice(-3), ['Processors', 'Memory', 'Disks']);
});

test('each name has a tile that says what it is, and knows of hosts that are off on purpose', () => {
  const { targets = [] } = whole.panels.find(({ title }) => title === 'Apps')!;
  const tiles = new Map(targets.map(({ expr, legendFormat }) => [legendFormat, expr]));
  assert.deepEqual([...tiles.keys()], ['Git (git.example.net)', 'gatus (status.example.net)']);
  assert.equal(
    tiles.get('gatus (status.example.net)'),
    'gatus_results_endpoint_success{name="status.example.net"}',
  );
  const git = 'gatus_results_endpoint_success{name="git.example.net"}';
  assert.equal(
    tiles.get('Git (git.example.net)'),
    `${git} == 1 or ${git} + on () group_left () (2 * writ_host_expected_off{host="pve2"}) or ${git}`,
  );
});

test('every panel asks the datasources by their fixed names', () => {
  const uids = new Set(
    whole.panels.flatMap(({ targets = [] }) => targets.map(({ datasource }) => datasource.uid)),
  );
  assert.deepEqual([...uids].sort(), ['writ-metrics', 'writ-victorialogs']);
  const { text } = madeFor(grafana, 'datasources', place, drawnHome);
  for (const uid of uids) assert.ok(text.includes(`uid: '${uid}'`), uid);
});

test('panels have numbers of their own, which stay when a host comes, and cover nothing', () => {
  const more = dashboardOf(
    homelabWith(['  pve2: {', '  pve0: { address: 192.168.20.9, network: lan }\n  pve2: {']),
  );
  const idsOf = ({ panels }: Dashboard): Map<string, number> => {
    let row = '';
    return new Map(
      panels.map(({ type, title, id }) => {
        if (type === 'row') row = title;
        return [`${row}/${type === 'row' ? '' : title}`, id];
      }),
    );
  };
  const before = idsOf(whole);
  assert.equal(new Set(before.values()).size, whole.panels.length);
  const after = idsOf(more);
  assert.ok(after.size > before.size);
  for (const [key, id] of before) assert.equal(after.get(key), id, key);
  const taken = new Set<string>();
  for (const { gridPos, title } of more.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(!taken.has(`${x} ${y}`), `${title} covers another at ${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
    }
  }
});

/** Names in a query that are neither functions, words, labels nor texts. */
function namesIn(expr: string): string[] {
  const functions = 'sum min max avg count rate sort sort_desc vector time or and unless on group_left';
  const bare = expr
    .replaceAll(/"(\\.|[^"\\])*"/g, '')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\bby \([^)]*\)/g, '')
    .replaceAll(/\[[0-9]+[smhd]\]/g, '');
  return [...bare.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)]
    .map(([name]) => name)
    .filter((name) => !functions.split(' ').includes(name));
}

test('every metric that is drawn is one that somebody exports', () => {
  const known = Object.values(exportedMetrics).flatMap(({ names }) => names);
  const used = new Set(queriesOf(whole).flatMap(namesIn));
  assert.deepEqual(
    [...used].filter((name) => !known.includes(name)),
    [],
  );
  for (const [who, { names }] of Object.entries(exportedMetrics))
    assert.ok(
      names.some((name) => used.has(name)),
      who,
    );
});

const noPromtool = spawnSync('promtool', ['--version']).error !== undefined && 'there is no promtool';
if (noPromtool) missing('promtool (package prometheus), which reads the queries of the dashboard');

test('Prometheus itself reads every query, and none that is broken', { skip: noPromtool }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-queries-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const judge = (queries: readonly string[]): string => {
    const rules = queries.map((expr, index) => ({ record: `query:${index}`, expr }));
    const file = join(folder, 'rules.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    const done = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    return done.status === 0 ? '' : `${done.stdout}${done.stderr}`;
  };
  const queries = queriesOf(whole);
  assert.ok(queries.length > 40, `${queries.length} queries`);
  assert.equal(judge(queries), '');
  assert.match(judge([...queries, 'sum by (machine) rate(up[5m])']), /parse error/);
});

test('the tile of a name is blue while its host is off on purpose, and red when it is silent else', {
  skip: noPromtool,
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-tile-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { targets = [] } = whole.panels.find(({ title }) => title === 'Apps')!;
  const { expr } = targets.find(({ legendFormat }) => legendFormat.startsWith('Git'))!;
  const count = whole.panels.find(({ title }) => title === 'Do not answer')!.targets![0]!.expr;
  const answers = 'gatus_results_endpoint_success{name="git.example.net",group="websvcs"}';
  const off = 'writ_host_expected_off{host="pve2"}';
  const cases = [
    [1, 0, 1],
    [1, 1, 1],
    [0, 0, 0],
    [0, 1, 2],
    [0, null, 0],
  ] as const;
  const tests = cases.map(([success, isOff, shown]) => ({
    interval: '1m',
    input_series: [
      { series: answers, values: `${success}x5` },
      ...(isOff === null ? [] : [{ series: off, values: `${isOff}x5` }]),
    ],
    promql_expr_test: [
      { expr: `sum(${expr})`, eval_time: '3m', exp_samples: [{ labels: '{}', value: shown }] },
      // What is counted as silent is what is red.
      { expr: count, eval_time: '3m', exp_samples: [{ labels: '{}', value: shown === 0 ? 1 : 0 }] },
    ],
  }));
  const file = join(folder, 'tile.yml');
  writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: '1m', tests }));
  const done = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  assert.equal(done.status, 0, `${done.stdout}${done.stderr}`);
});

const exporter = '/usr/bin/prometheus-node-exporter';
const noExporter = !existsSync(exporter) && 'there is no prometheus-node-exporter';
if (noExporter) missing('prometheus-node-exporter, whose metrics the dashboard draws');

test('node-exporter itself tells the metrics of machines', { skip: noExporter }, async (t) => {
  const port = await freePort();
  const child = spawn(exporter, [`--web.listen-address=127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve) => {
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('Listening on') || said.includes('TLS is disabled')) resolve();
    });
    child.on('close', () => resolve());
  });
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  for (const name of exportedMetrics.node!.names) assert.match(text, new RegExp(`^${name}[{ ]`, 'm'), name);
});

test('no title of the manifest breaks the page, and options go over it', () => {
  const title = `a "quoted" $\{x} \\ {{y}} title`;
  const hostile = homelabWith(['title: the tower', `title: ${JSON.stringify(title)}`]);
  assert.ok(rowsOf(dashboardOf(hostile)).includes(`pve2, ${title}`));
  const mine = { id: 1, type: 'text', title: 'mine', gridPos: { x: 0, y: 900, w: 24, h: 2 } };
  const changed = dashboardOf({}, { panels: [mine], dashboard: { title: 'Ours', refresh: null } });
  assert.deepEqual([changed.title, changed.panels.at(-1)], ['Ours', mine]);
  assert.ok(!('refresh' in changed));
});

test('a Grafana that uses nothing with metrics has no page, which is told', () => {
  const alone = app('graph', 'on: secsvcs', 'units: [graph.container]', 'uses: [{ app: vl, port: 9428 }]');
  assert.match(
    make(alone).doubts.join(),
    /^error wrong_option: the page of the home has nothing to ask: graph uses/,
  );
});
