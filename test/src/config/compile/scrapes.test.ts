import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

const home: Tree = {
  'homelab.yaml': [
    'site: { domain: example.net }',
    'hosts:',
    '  pve1: { address: 192.168.20.1 }',
    '  tower: { address: 192.168.20.2, sleeps: true, mac: "02:00:00:00:00:02", wake_via: pve1, wake_address: 192.168.20.255 }',
    'guests:',
    '  here: { host: pve1, vmid: 101, address: 192.168.20.11 }',
    '  there: { host: tower, vmid: 102, address: 192.168.20.12 }',
    '',
  ].join('\n'),
  'apps/docs/app.yaml': [
    'on: [here, there]',
    'units: [docs.container]',
    'metrics: [{ port: 9100 }, { name: slow, port: 9101, path: /slow, every: 5m }]',
    '',
  ].join('\n'),
  'apps/docs/docs.container':
    '[Container]\nImage=docker.io/library/x:1\nPublishPort=9100:9100\nPublishPort=9101:9101\n',
};
const asker: Tree = {
  'apps/watch/app.yaml': 'on: here\nfiles: [{ generate: scrape/config, to: /etc/opt/watch/scrape.yml }]\n',
};

test('who places the configuration of scraping asks everything that has metrics, where it can be reached', async () => {
  const { home: model, findings } = await buildTree({ ...home, ...asker });
  assert.ok(findings.every(({ code }) => !code.startsWith('route_')));
  assert.deepEqual(
    model!.scrapes.map(
      ({ name, target, by, host, port, path, every, may_sleep }) =>
        `${by.app}@${by.target} asks ${name}@${target} at ${host}:${port}${path} ${every ?? ''} ${may_sleep}`,
    ),
    [
      'watch@here asks docs@here at systemd-docs:9100/metrics  false',
      'watch@here asks slow@here at systemd-docs:9101/slow 5m false',
      'watch@here asks docs@there at 192.168.20.12:9100/metrics  true',
      'watch@here asks slow@there at 192.168.20.12:9101/slow 5m true',
    ],
  );
});

test('what is asked is a flow, but once, and none without who asks', async () => {
  const flows = async (tree: Tree): Promise<readonly string[]> => {
    const { home: model } = await buildTree(tree);
    return model!.flows.map(
      ({ from, to, port }) => `${from.app}@${from.target} ${to.app}@${to.target} ${port}`,
    );
  };
  const all = [
    'watch@here docs@here 9100',
    'watch@here docs@here 9101',
    'watch@here docs@there 9100',
    'watch@here docs@there 9101',
  ];
  assert.deepEqual(await flows({ ...home, ...asker }), all);
  const said = 'uses: [{ app: docs, on: there, port: 9100, after: false }]\n';
  assert.deepEqual(await flows({ ...home, 'apps/watch/app.yaml': asker['apps/watch/app.yaml'] + said }), all);
  assert.deepEqual(await flows(home), []);
});

test('two metrics of one app have two names', async () => {
  const { findings } = await buildTree({
    ...home,
    ...asker,
    'apps/docs/app.yaml': 'on: here\nmetrics: [{ name: a, port: 1 }, { name: a, port: 2 }]\n',
  });
  assert.deepEqual(
    findings.filter(({ code }) => code === 'name_twice').map(({ message }) => message),
    ['the app has two metrics named a'],
  );
});
