import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appOf as app,
  codesOf,
  filesOf,
  homeWith,
  isolatedHome as isolated,
} from '../../../support/container-home.ts';
import type { Tree } from '../../../support/repo-fixture.ts';

const joined = (files: ReadonlyMap<string, string>): Record<string, string> =>
  Object.fromEntries(
    [...files]
      .filter(([name]) => name.includes('.d/'))
      .map(([name, text]) => [
        name.slice(0, name.indexOf('.d/')),
        text
          .replace(/^\[\w+\]\n/, '')
          .replaceAll('Network=', '')
          .trimEnd()
          .replaceAll('\n', ' '),
      ]),
  );

test('what has no network of its own is left alone, and is no reason for one', async () => {
  const files = await filesOf(
    isolated(),
    app(
      'web',
      { 'web.container': ['Network=host'], 'side.container': ['Network=web.container'] },
      'uses: [db]',
    ),
    app('db', { 'db.pod': [], 'in.container': ['Pod=db.pod'] }),
    app('none', ['Network=none']),
    app('told', ['PodmanArgs=--net=host']),
    app('kube', { 'kube.kube': ['Yaml=/etc/kube.yml'] }, 'uses: [db]'),
  );
  assert.deepEqual(joined(files), { 'db.pod': 'db_kube.network', 'kube.kube': 'db_kube.network' });
});

/** A second machine with the same apps, where nothing is isolated. */
function twice(tree: Tree, second: string): Tree {
  const homelab = (tree['homelab.yaml'] as string).replace('generators:', `${second}\ngenerators:`);
  return { ...tree, 'homelab.yaml': homelab };
}

test('what speaks across machines shares no network', async () => {
  const far = '  far: { host: pve1, vmid: 103, address: 192.168.20.13, network: lan }';
  const tree = twice(isolated('  podman: { options: { proxy: front } }'), far);
  const files = await filesOf(
    tree,
    app('front', []),
    app('here', [], 'uses: [{ app: there, on: far }]', 'route: { host: here, port: 80, via: far }'),
    {
      ...app('there', [], 'route: { host: there, port: 81, via: web }'),
      'apps/there/app.yaml': 'on: [far, web]\nunits: [there.container]\n',
    },
    {
      ...app('other', []),
      'apps/other/app.yaml':
        'on: far\nunits: [other.container]\nuses: [{ app: here, on: web }]\nroute: { host: other, port: 82, via: web }\n',
    },
  );
  assert.deepEqual(joined(files), {
    'front.container': 'front.own.network',
    'here.container': 'here.own.network',
    'there.container': 'there.own.network',
  });
});

test('a service that the proxy has itself is no flow', async () => {
  const files = await filesOf(
    isolated('  podman: { options: { proxy: front } }'),
    app('front', [], 'route: { host: front, port: 80 }'),
    app('page', [], 'route: { host: page, service: ping@internal }'),
  );
  assert.deepEqual(joined(files), {
    'front.container': 'front.own.network',
    'page.container': 'page.own.network',
  });
});

test('an app keeps the network of its own folder, as long as it is alone there', async () => {
  const own = app('web', {
    'web.container': ['Network=lane.network:ip=10.5.0.3', 'Network=home.network'],
    'job.container': ['Network=lane.network', 'IP=10.5.0.4'],
    'lane.network': ['Subnet=10.5.0.0/24'],
  });
  assert.deepEqual(joined(await filesOf(isolated(), own)), { 'web.container': ' lane.network:ip=10.5.0.3' });
  const guest = app('guest', ['Network=lane.network']);
  const codes = await codesOf(isolated(), own, guest);
  assert.ok(codes.includes('error network_address apps/web/web.container'), codes.join());
  const plain = app('web', {
    'web.container': ['Network=lane.network'],
    'job.container': ['Network=lane.network'],
    'lane.network': [],
  });
  assert.deepEqual(joined(await filesOf(isolated(), plain, guest)), {
    'guest.container': ' guest.own.network',
    'job.container': ' web.own.network',
    'web.container': ' web.own.network',
  });
  const half = app('web', {
    'web.container': [],
    'job.container': ['Network=lane.network'],
    'lane.network': [],
  });
  assert.deepEqual(joined(await filesOf(isolated(), half)), {
    'job.container': ' lane.network web.own.network',
    'web.container': 'web.own.network',
  });
});

test('an app that is internal has only internal networks, its own among them', async () => {
  const files = await filesOf(
    isolated('  podman: { options: { internal: [db] } }'),
    app('db', { 'a.container': [], 'b.container': [] }),
  );
  assert.match(files.get('db.own.network')!, /^Internal=true$/m);
});

test('what a build says is there for it, and for nothing else', async () => {
  const build = (network: string) =>
    app('img', {
      'img.build': ['ImageTag=localhost/img:1', 'SetWorkingDirectory=/srv', `Network=${network}`],
    });
  for (const network of ['home', 'home.network']) {
    assert.match(
      (await filesOf(isolated(), build(network))).get('home.network')!,
      /NetworkName=home\nSubnet=10\.89\.10\.0\/24\n/,
    );
  }
  assert.equal((await filesOf(isolated(), build('host'))).get('home.network'), undefined);
});

test('a network of the machine without a subnet gets one from Podman', async () => {
  const bare = {
    ...homeWith(),
    'homelab.yaml': (homeWith()['homelab.yaml'] as string).replace(', subnet: 10.89.10.0/24', ''),
  };
  assert.equal((await filesOf(bare, app('db', []))).get('home.network'), '[Network]\nNetworkName=home\n');
});
