import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUnits } from '../../../../schema/quadlet/unit.ts';
import { routeOfLabels } from '../../../../src/config/adopt/label-route.ts';
import { adoptTree, told } from '../../../support/adopt-fixture.ts';
import { smallHome } from '../../../support/repo-fixture.ts';

const unit = (...labels: string[]): string =>
  ['[Container]', 'Image=docker.io/library/x:1', ...labels.map((label) => `Label="${label}"`), ''].join('\n');
const route = (...labels: string[]) =>
  routeOfLabels(readUnits([{ name: 'x.container', text: unit(...labels), file: 'x' }]), 'example.net');

const rule = (text: string): string => `traefik.http.routers.x.rule=${text}`;
const port = 'traefik.http.services.x.loadbalancer.server.port=3000';

test('a route is made of labels that say one name and one port, and no more', () => {
  const enabled = ['traefik.enable=true', 'traefik.http.routers.x.entrypoints=websecure', 'other=1'];
  assert.deepEqual(route(...enabled, rule('Host(`graph.example.net`)'), port), {
    host: ['graph'],
    port: 3000,
  });
  assert.deepEqual(route(rule('Host(`a.example.net`) || Host(`b.org`)'), port)?.host, ['a', 'b.org']);
  assert.deepEqual(route(rule('Host(`a.example.net`, `EXAMPLE.net`)'), port)?.host, ['a', '@']);
  assert.deepEqual(route(rule('Host(`a.b.example.net`)'), port)?.host, ['a.b.example.net']);
});

test('any doubt leaves the labels alone', () => {
  const good = rule('Host(`x.example.net`)');
  const doubtful: string[][] = [
    [good],
    [port],
    [rule('Host(`x.example.net`) && PathPrefix(`/a`)'), port],
    [rule('HostRegexp(`.*`)'), port],
    [rule('Host(`x.example.net`) || Host(`x.example.net`)'), port],
    [good, port, 'traefik.http.routers.x.middlewares=auth@file'],
    [good, port, 'traefik.http.services.x.loadbalancer.server.scheme=https'],
    [good, port, 'traefik.http.routers.y.rule=Host(`y`)'],
    [good, port, 'traefik.tcp.routers.x.rule=HostSNI(`x`)'],
    [good, port, 'traefik.enable=false'],
    [good, good, port],
    [good, port.replace('3000', '99999')],
    [good, port.replace('3000', 'http')],
    [rule('Host(`not a name`)'), port],
  ];
  for (const labels of doubtful) assert.equal(route(...labels), null, labels.join(' '));
});

test('one name is not given to two apps, nor without a domain', async () => {
  const tree = {
    'etc/containers/systemd/a.container': unit(rule('Host(`x.example.net`)'), port),
    'etc/containers/systemd/b.container': unit(rule('Host(`x.example.net`)'), port),
  };
  const routes = async (options: object) =>
    (await adoptTree(tree, options)).apps.map((app) => app.route?.port);
  assert.deepEqual(await routes({ domain: 'example.net' }), [3000, undefined]);
  assert.deepEqual(await routes({}), [undefined, undefined]);
  // Neither to one that a route, or a name, of the repo has.
  const repo = (homelab: string) => ({
    ...smallHome,
    'homelab.yaml': `${smallHome['homelab.yaml'] as string}${homelab}`,
  });
  const named = repo('names:\n  x: { address: 192.168.20.9 }\n');
  assert.deepEqual(await routes({ repo: named }), [undefined, undefined]);
  assert.deepEqual(await routes({ repo: repo('') }), [3000, undefined]);
});

test('a domain is the site’s own, or that of a new site', async () => {
  const tree = { 'etc/containers/systemd/a.container': unit() };
  const other = await adoptTree(tree, { domain: 'example.org', repo: smallHome });
  assert.deepEqual(told(other.blocking), ['homelab homelab.yaml']);
  assert.deepEqual((await adoptTree(tree, { domain: 'example.net', repo: smallHome })).blocking, []);
});
