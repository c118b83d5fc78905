import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from '../../../../schema/quadlet/words.ts';
import { makePlan } from '../../../../src/config/plan/plan.ts';
import {
  appOf as app,
  codesOf,
  filesOf,
  folder,
  homeWith as home,
  isolatedHome as isolated,
} from '../../../support/container-home.ts';
import { missing } from '../../../support/missing.ts';
import { findGenerator } from '../../../support/quadlet-generator.ts';
import { buildTree, type Tree } from '../../../support/repo-fixture.ts';

const generator = findGenerator('5.4');
if (generator === null)
  missing("Podman 5.4's Quadlet generator, which networks of containers are checked against");

/** What Podman is told: `--network` and `--network-alias` of each service, by Podman's own generator. */
function networksByPodman(files: ReadonlyMap<string, string>): Record<string, string[]> {
  const { services, refused, broken } = generator!.judge(files);
  assert.deepEqual([[...refused], broken], [[], false]);
  return Object.fromEntries(
    [...services].flatMap(([name, text]) => {
      const line = /^Exec(?:Start|StartPre)=(.* (?:run|pod create|kube play) .*)$/m.exec(text)?.[1];
      if (line === undefined) return [];
      const words = splitWords(line, 'arguments').words.map((word) => word.text);
      return [[name, words.flatMap((word, at) => (word === '--network' ? [words[at + 1]!] : []))]];
    }),
  );
}

const mixed: Tree = {
  ...app('one', []),
  ...app('two', {
    'two.pod': ['PodName=two'],
    'in.container': ['Pod=two.pod'],
    'by.container': ['Network=host'],
  }),
  ...app('three', {
    'three@.container': ['ContainerName=t-%i'],
    'beside.container': ['Network=one.container'],
  }),
  ...app('four', ['Network=home.network:ip=10.89.10.4']),
  ...app('five', ['Network=home', 'NetworkAlias=cinq']),
  ...app('six', ['PodmanArgs=--network=none']),
};

test('what names no network joins the machine’s own, and nothing else is touched', async () => {
  const files = await filesOf(home(), mixed, {
    'apps/one/one.container':
      '[Container]\nImage=docker.io/library/redis:8.2\nContainerName=one\nIP=10.89.10.9\n',
  });
  assert.equal(
    files.get('home.network'),
    '[Network]\nNetworkName=home\nSubnet=10.89.10.0/24\nGateway=10.89.10.1\n',
  );
  assert.equal(files.get('one.container.d/50-writ-network.conf'), '[Container]\nNetwork=home.network\n');
  assert.equal(files.get('two.pod.d/50-writ-network.conf'), '[Pod]\nNetwork=home.network\n');
  assert.equal(
    files.get('five.container.d/50-writ-network.conf'),
    '[Unit]\nRequires=home-network.service\nAfter=home-network.service\n',
  );
  assert.deepEqual(
    [...files.keys()].filter((name) => name.includes('.d/')),
    ['five', 'one', 'three@']
      .map((name) => `${name}.container.d/50-writ-network.conf`)
      .concat('two.pod.d/50-writ-network.conf'),
  );
  if (generator === null) return;
  assert.deepEqual(networksByPodman(files), {
    'beside.service': ['container:one'],
    'by.service': ['host'],
    'five.service': ['home'],
    'four.service': ['home:ip=10.89.10.4'],
    'in.service': [],
    'one.service': ['home'],
    'six.service': [],
    'three@.service': ['home'],
    'two-pod.service': ['home'],
  });
});

const trio: Tree = {
  ...app('db', ['ContainerName=db', 'Network=home:alias=postgres']),
  ...app(
    'web',
    { 'web.container': ['ContainerName=web'], 'job.container': ['Network=lane.network'], 'lane.network': [] },
    'uses: [db]',
  ),
  ...app('wiki', { 'wiki.container': [], 'cache.container': [] }, 'uses: [{ app: db, port: 5432 }]'),
  ...app('lone', ['Network=home.network']),
};

test('an isolated app is in a network for each app that it speaks to, and in no other', async () => {
  const files = await filesOf(isolated(), trio);
  const networks = [...files.keys()].filter((name) => name.endsWith('.network'));
  assert.deepEqual(networks, [
    'db_web.network',
    'db_wiki.network',
    'lane.network',
    'lone.own.network',
    'wiki.own.network',
  ]);
  assert.match(
    files.get('db_web.network')!,
    /^\[Network\]\nNetworkName=db_web\nSubnet=10\.1[67]\d\.\d+\.\d+\/28\nGateway=10\.\d+\.\d+\.\d+\n$/,
  );
  assert.equal(
    files.get('db.container.d/50-writ-network.conf'),
    '[Container]\nNetwork=\nNetwork=db_web.network:alias=postgres\nNetwork=db_wiki.network:alias=postgres\n',
  );
  if (generator === null) return;
  assert.deepEqual(networksByPodman(files), {
    'cache.service': ['db_wiki', 'wiki.own'],
    'db.service': ['db_web:alias=postgres', 'db_wiki:alias=postgres'],
    'job.service': ['systemd-lane', 'db_web'],
    'lone.service': ['lone.own'],
    'web.service': ['db_web'],
    'wiki.service': ['db_wiki', 'wiki.own'],
  });
});

test('the proxy of the machine reaches what it answers for', async () => {
  const answered = {
    ...app('blog', [], 'route: { host: blog, port: 80 }'),
    ...app('front', [], 'route: { host: front, port: 81 }'),
  };
  assert.deepEqual(await codesOf(isolated(), answered), ['error proxy_unclear apps/base/app.yaml']);
  const files = await filesOf(isolated('  podman: { options: { proxy: front } }'), answered);
  assert.deepEqual(
    [...files.keys()].filter((name) => name.endsWith('.network')),
    ['blog_front.network'],
  );
  const placed = app('front', [], 'files:', '  - { generate: traefik/static, to: /etc/opt/traefik.yml }');
  const on = {
    'homelab.yaml': (isolated()['homelab.yaml'] as string).replace(
      'traefik: { on: false }',
      'traefik: { on: true }',
    ),
  };
  const { release } = await buildTree({ ...isolated(), ...answered, ...placed, ...on });
  assert.ok(release!.manifest.parts[0]!.files.some(({ path }) => path.endsWith('blog_front.network')));
});

test('who is to reach nothing outside is in internal networks alone, and takes nobody along', async () => {
  const files = await filesOf(isolated('  podman: { options: { internal: db } }'), trio);
  const internal = [...files].filter(([, text]) => text.includes('Internal=true')).map(([name]) => name);
  assert.deepEqual(internal, ['db_web.network', 'db_wiki.network']);
  assert.match(files.get('web.container.d/50-writ-network.conf')!, /Network=db_web\.network\n/);
  assert.match(files.get('wiki.own.network')!, /NetworkName=wiki\.own/);
  const single = { ...app('db', []), ...app('web', [], 'uses: [db]') };
  const own = await filesOf(isolated('  podman: { options: { internal: db } }'), single);
  assert.equal(
    own.get('web.container.d/50-writ-network.conf'),
    '[Container]\nNetwork=db_web.network\nNetwork=web.own.network\n',
  );
  const wrong = isolated('  podman: { options: { internal: dbb } }');
  assert.deepEqual(await codesOf(wrong, single), ['error unknown_app apps/base/app.yaml']);
});

test('subnets come from names: one more app moves none, and what the home has is passed over', async () => {
  const subnets = async (...trees: Tree[]): Promise<Map<string, string>> =>
    new Map(
      [...(await filesOf(...trees))].flatMap(([name, text]) => {
        const found = /^Subnet=(.*)$/m.exec(text);
        return found === null ? [] : [[name, found[1]!] as const];
      }),
    );
  const before = await subnets(isolated(), trio);
  const after = await subnets(isolated(), trio, app('more', [], 'uses: [db]'));
  for (const [name, subnet] of before) assert.equal(after.get(name), subnet);
  assert.equal(after.size, before.size + 1);
  const small = '  podman: { options: { pool: 192.168.20.0/24 } }';
  assert.deepEqual(
    [...new Set(await codesOf(isolated(small), trio))],
    ['error pool_too_small apps/base/app.yaml'],
  );
  const many = Object.assign({}, ...Array.from({ length: 16 }, (_, index) => app(`a${index}`, []))) as Tree;
  const full = await subnets(isolated('  podman: { options: { pool: 10.200.0.0/24 } }'), many);
  assert.equal(new Set(full.values()).size, 16);
  assert.deepEqual(
    await codesOf(isolated('  podman: { options: { pool: 10.200.0.0/24 } }'), many, app('last', [])),
    ['error pool_too_small apps/base/app.yaml'],
  );
});

test('a network that the owner brings is joined as it is', async () => {
  const bare = {
    ...home(),
    'homelab.yaml': (home()['homelab.yaml'] as string).replace(', subnet: 10.89.10.0/24', ''),
  };
  const files = await filesOf(bare, app('net', { 'home.network': ['IPv6=true'] }), app('db', []));
  assert.equal(files.get('home.network'), '[Network]\nIPv6=true\n');
  assert.equal(files.get('db.container.d/50-writ-network.conf'), '[Container]\nNetwork=home.network\n');
});

test('a use that is added adds its network and the drop-ins of both, restarts them, and touches nothing else', async () => {
  const apps = { ...app('db', []), ...app('web', []), ...app('other', [], 'uses: [db]') };
  const plan = async (before: Tree, after: Tree) => {
    const [old, now] = [await buildTree(before), await buildTree(after)];
    const { targets } = makePlan(old.release!, now.release!);
    return targets.flatMap((target) => [
      ...target.apps.flatMap(({ files }) =>
        files
          .filter(({ path }) => path.startsWith(folder))
          .map(({ kind, path }) => `${kind} ${path.slice(folder.length)}`),
      ),
      ...target.apps.flatMap(({ units }) =>
        units
          .filter(({ effect }) => effect !== 'untouched')
          .map(({ effect, service }) => `${effect} ${service}`),
      ),
      ...target.untouched.map((name) => `untouched ${name}`),
    ]);
  };
  const before = { ...isolated(), ...apps };
  const after = { ...before, ...app('web', [], 'uses: [db]') };
  assert.deepEqual(await plan(before, after), [
    'changed db.container.d/50-writ-network.conf',
    'added db_web.network',
    'changed web.container.d/50-writ-network.conf',
    'removed web.own.network',
    'start db_web-network.service',
    'stop web.own-network.service',
    'restart db.service',
    'restart web.service',
    'untouched other',
  ]);
  assert.deepEqual(await plan(after, after), []);
  const moved = { ...before, ...isolated('  podman: { options: { internal: db } }') };
  assert.ok((await plan(before, moved)).includes('restart other.service'));
});
