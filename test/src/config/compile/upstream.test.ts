import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

const image = 'Image=docker.io/library/x:1';
const home: Tree = {
  'homelab.yaml': [
    'site: { domain: example.net }',
    'hosts:',
    '  pve1: { address: 192.168.20.1 }',
    'guests:',
    '  here: { host: pve1, vmid: 101, address: 192.168.20.11 }',
    '  there: { host: pve1, vmid: 102, address: 192.168.20.12 }',
    '',
  ].join('\n'),
  'apps/proxy/app.yaml': 'on: here\nfiles: [{ generate: traefik/dynamic, to: /etc/opt/traefik/home.yml }]\n',
};

/** The upstream of the app `docs` on a machine, and what is said of its route. */
async function upstream(
  on: string,
  route: string,
  units: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { home: model, findings } = await buildTree({
    ...home,
    'apps/docs/app.yaml': `on: ${on}\nunits: [${Object.keys(units).join(', ')}]\nroute: ${route}\n`,
    ...Object.fromEntries(Object.entries(units).map(([name, text]) => [`apps/docs/${name}`, `${text}\n`])),
  });
  const told = findings.filter(({ code }) => code.startsWith('route_'));
  return [
    ...(model?.routes ?? []).map((one) => `${one.upstream?.host}:${one.upstream?.port}`),
    ...told.map(
      ({ severity, line, column, code, suggestion }) =>
        `${line}:${column} ${severity} ${code}: ${suggestion ?? ''}`,
    ),
  ];
}

test('what is in a pod is reached by the name of the pod, which is all that DNS knows of it', async () => {
  const container = `[Container]\n${image}\nPod=docs.pod`;
  const two = { 'docs-web.container': container, 'docs-redis.container': container };
  const route = '{ host: docs, port: 8000 }';
  assert.deepEqual(await upstream('here', route, { ...two, 'docs.pod': '[Pod]\nPodName=papers' }), [
    'papers:8000',
  ]);
  assert.deepEqual(await upstream('here', route, { ...two, 'docs.pod': '[Pod]' }), ['systemd-docs:8000']);
  const named = '{ host: docs, port: 8000, container: docs-web }';
  assert.deepEqual(await upstream('here', named, { ...two, 'docs.pod': '[Pod]' }), ['systemd-docs:8000']);
  assert.deepEqual(await upstream('here', route, { ...two, 'docs.pod': '[Pod]\nNetwork=host' }), [
    '192.168.20.11:8000',
  ]);
});

test('a route of another machine leads to a port that is published there', async () => {
  const via = (port: number) => `{ host: docs, port: ${port}, via: here }`;
  const docs = (...lines: string[]) => ({
    'docs.container': ['[Container]', image, ...lines].join('\n'),
  });
  const to = (port: number) => `192.168.20.12:${port}`;
  assert.deepEqual(await upstream('there', via(9925), docs('PublishPort=9925:9000')), [to(9925)]);
  assert.deepEqual(await upstream('there', via(9000), docs('PublishPort=9925:9000')), [
    to(9000),
    '3:22 warning route_port_unpublished: Did you mean port: 9925?',
  ]);
  assert.deepEqual(await upstream('there', via(9000), docs()), [
    to(9000),
    '3:22 warning route_port_unpublished: PublishPort=9000:9000 in the unit does.',
  ]);
  assert.deepEqual(await upstream('there', via(9000), docs('PublishPort=127.0.0.1:9000:9000')), [
    to(9000),
    '3:22 warning route_port_unpublished: PublishPort=9000:9000 in the unit does.',
  ]);
  assert.deepEqual(await upstream('there', via(9000), docs('Network=host')), [to(9000)]);
  assert.deepEqual(await upstream('there', via(9000), docs('PodmanArgs=--publish 9000:9000')), [to(9000)]);
  assert.deepEqual(await upstream('there', via(9000), docs('PublishPort=9000')), [to(9000)]);
  const pod = {
    'docs.container': `[Container]\n${image}\nPod=docs.pod`,
    'docs.pod': '[Pod]\nPublishPort=9000:80',
  };
  assert.deepEqual(await upstream('there', via(9000), pod), [to(9000)]);
});
