import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { grafana } from '../../../../src/config/generate/grafana.ts';
import type { Tree } from '../../../support/repo-fixture.ts';
import { madeFor } from '../../../support/seen-home.ts';

type Options = Readonly<Record<string, unknown>>;

const app = (name: string, on: string, image: string, ...lines: readonly string[]): Tree => ({
  [`apps/${name}/app.yaml`]: [`on: ${on}`, `units: [${name}.container]`, ...lines, ''].join('\n'),
  [`apps/${name}/${name}.container`]: `[Container]\nImage=${image}\nContainerName=box-${name}\n`,
});
const graph = (uses: string): Tree =>
  app('graph', 'secsvcs', 'docker.io/grafana/grafana:12.2.0', `uses: [${uses}]`);
const home: Tree = {
  ...app('vm', 'secsvcs', 'docker.io/victoriametrics/victoria-metrics:v1.124.0', 'title: "Numbers, $HOME"'),
  ...app('prom', 'websvcs', 'quay.io/prometheus/prometheus:v3.5.0@sha256:00'),
  ...app('vl', 'secsvcs', 'docker.io/victoriametrics/victoria-logs:v1.26.0'),
  ...app('pager', 'secsvcs', 'quay.io/prometheus/alertmanager:v0.28.1'),
};
const make = (uses: string, options: Options = {}, output = 'datasources') =>
  madeFor(grafana, output, { app: 'graph', target: 'secsvcs' }, { ...home, ...graph(uses) }, options);
const sourcesOf = (uses: string, options: Options = {}) => {
  const { text, doubts } = make(uses, options);
  assert.deepEqual(doubts, []);
  const { apiVersion, prune, datasources } = parse(text);
  assert.deepEqual([apiVersion, prune], [1, true]);
  return datasources;
};
const all =
  '{ app: vm, port: 8428 }, { app: prom, port: 9090 }, { app: vl }, { app: pager, port: 9093 }, { app: git }';

test('what Grafana uses and can ask is a datasource, with a name that stays', () => {
  const sources = sourcesOf(all);
  assert.deepEqual(
    sources.map(({ uid, type, url, isDefault }: Record<string, unknown>) => [uid, type, url, isDefault]),
    [
      ['writ-alertmanager', 'alertmanager', 'http://box-pager:9093', false],
      ['writ-victorialogs', 'victoriametrics-logs-datasource', 'http://box-vl:9428', false],
      ['writ-metrics', 'prometheus', 'http://box-vm:8428', true],
      // What is on Grafana's own machine comes first.
      ['writ-metrics-2', 'prometheus', 'http://192.168.20.12:9090', false],
    ],
  );
  assert.deepEqual(sources[2].jsonData, { timeInterval: '30s', alertmanagerUid: 'writ-alertmanager' });
  assert.deepEqual(sources[0].jsonData, { implementation: 'prometheus' });
});

test('its own database is none, nor is what it does not use', () => {
  assert.deepEqual(sourcesOf('{ postgres: { app: postgres, database: graph, password: graph_pg } }'), []);
  assert.deepEqual(sourcesOf('{ app: git }'), []);
});

test('a title is no variable, and options go over what is made', () => {
  const options = {
    interval: '15s',
    datasources: { vm: { jsonData: { httpMethod: 'POST' } }, vl: null },
    more: [{ name: 'own', type: 'testdata' }],
  };
  const sources = sourcesOf('{ app: vm, port: 8428 }, vl', options);
  assert.deepEqual(
    sources.map(({ name }: { name: string }) => name),
    ['Numbers, $$HOME', 'own'],
  );
  assert.deepEqual(sources[0].jsonData, { timeInterval: '15s', httpMethod: 'POST' });
  assert.deepEqual(make('{ app: vm }', { datasources: { vmm: {} } }).doubts, [
    'error wrong_option: options.datasources: nothing named vmm is asked',
  ]);
});

test('Grafana is told where dashboards are', () => {
  const providers = (options: Options) => parse(make('vm', options, 'providers').text);
  assert.deepEqual(providers({}), {
    apiVersion: 1,
    providers: [
      { name: 'writ', type: 'file', allowUiUpdates: false, options: { path: '/etc/grafana/dashboards' } },
    ],
  });
  const [provider] = providers({ dashboards: '/d', folder: 'The $home' }).providers;
  assert.deepEqual([provider.folder, provider.options.path], ['The $$home', '/d']);
});
