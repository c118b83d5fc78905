import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlaceRule, placeSource, rootOf, treesIn } from '../../../../src/config/adopt/place.ts';
import { adoptTree, type GivenTree, sourceOf, told } from '../../../support/adopt-fixture.ts';

const image = '[Container]\nImage=docker.io/library/x:1\n';

const places = (tree: GivenTree, rules: readonly PlaceRule[] = [], at?: string): Record<string, string> => {
  const { files, notes } = placeSource(sourceOf(tree), {
    rules,
    machine: 'box',
    ...(at !== undefined && { at }),
  });
  return {
    ...Object.fromEntries(files.map(({ path, hint }) => [path, hint ?? ''])),
    ...Object.fromEntries(notes.map(({ path, code }) => [path, code])),
  };
};

test('a tree is known by its folders, and lies where it says or is told to', () => {
  assert.equal(rootOf(sourceOf({ 'etc/motd': '' })), '/');
  assert.equal(rootOf(sourceOf({ 'srv/x': '', 'usr/local/bin/y': '' })), '/');
  assert.equal(rootOf(sourceOf({ 'containers/systemd/x.container': '' })), '/etc/');
  assert.equal(rootOf(sourceOf({ 'systemd/system/x.timer': '', hosts: '' })), '/etc/');
  assert.equal(rootOf(sourceOf({ 'srv/x': '', 'x.container': '' })), null);
  assert.equal(rootOf(sourceOf({})), null);
  assert.deepEqual(treesIn(sourceOf({ 'a/etc/x': '', 'b/etc/y': '', 'c/x': '' })), ['a', 'b']);
  assert.deepEqual(places({ 'etc/x': '', 'srv/y': '' }), { '/etc/x': '', '/srv/y': '' });
  assert.deepEqual(places({ 'sub/x.container': image, 'x.env': '' }, [], '/etc/containers/systemd'), {
    '/etc/containers/systemd/sub/x.container': '',
    '/etc/containers/systemd/x.env': '',
  });
});

test('units of a folder go to where Podman and systemd read them', () => {
  const tree = {
    'a.container': image,
    'deep/er/b.container': image,
    'b.container.d/x.conf': '',
    'c.timer': '',
    'c.service.d/y.conf': '',
  };
  assert.deepEqual(places(tree), {
    '/etc/containers/systemd/a.container': '',
    '/etc/containers/systemd/b.container': '',
    '/etc/containers/systemd/b.container.d/x.conf': '',
    '/etc/systemd/system/c.timer': '',
    '/etc/systemd/system/c.service.d/y.conf': '',
  });
});

test('files of systemd-networkd are no networks of Podman', () => {
  const lan = '[Match]\nName=eth0\n[Network]\nDHCP=yes\n';
  assert.deepEqual(places({ 'lan.network': lan }), { 'lan.network': 'unplaced' });
});

test('rules place files and folders, the one that says most first, and the rest last', () => {
  const tree = { 'configs/a/x': '', 'configs/b/y': '', 'configs/b/z': '', readme: '', 'x.container': image };
  const rules = [
    { from: '', to: '/srv/rest' },
    { from: 'configs', to: '/etc/opt/' },
    { from: 'configs/b', to: '/opt/b' },
    { from: 'configs/b/z', to: '/opt/zed' },
    { from: 'readme', to: '/root/' },
  ];
  assert.deepEqual(places(tree, rules), {
    '/etc/opt/a/x': '',
    '/opt/b/y': '',
    '/opt/zed': '',
    '/root/readme': '',
    '/etc/containers/systemd/x.container': '',
  });
  assert.deepEqual(places({ 'mine/x.container': image }, [{ from: 'mine', to: '/srv' }]), {
    '/srv/x.container': '',
  });
  assert.deepEqual(places({ 'config/x': '', configs: '' }, [{ from: 'config', to: '/a' }]), {
    '/a/x': '',
    configs: 'unplaced',
  });
});

test('without a rule a file goes to the one place that its unit names', () => {
  const mounting = (...paths: string[]): string =>
    image + paths.map((path) => `Volume=${path}:/x\n`).join('');
  // By a path from the unit itself; in whatever folder that is kept.
  assert.deepEqual(
    places({
      'q/a.container': mounting('./data', './a.env'),
      'q/data/deep/x': '',
      'q/a.env': '',
      'a.env': '',
    }),
    {
      '/etc/containers/systemd/a.container': '',
      '/etc/containers/systemd/data/deep/x': '',
      '/etc/containers/systemd/a.env': '',
      'a.env': 'unplaced',
    },
  );
  // Two could be meant: neither is placed.
  const twice = { 'a.container': mounting('/etc/a/x.yml', '/etc/b/x.yml'), 'x.yml': '' };
  assert.equal(places(twice)['x.yml'], 'unplaced');
  const both = { 'a.container': mounting('/etc/a/x.yml'), 'one/x.yml': '', 'two/x.yml': '' };
  assert.equal(places(both)['one/x.yml'], 'unplaced');
  // The folder beside tells them apart.
  const beside = { 'a.container': mounting('/etc/a/x.yml', '/etc/b/x.yml'), 'a/x.yml': '', 'b/x.yml': '' };
  assert.deepEqual(Object.keys(places(beside)).sort(), [
    '/etc/a/x.yml',
    '/etc/b/x.yml',
    '/etc/containers/systemd/a.container',
  ]);
  // A folder's name alone says too little, but to its own app.
  const folder = { 'a.container': mounting('/etc/opt/thing/config'), 'config/x': '' };
  assert.equal(places(folder)['config/x'], 'unplaced');
  assert.equal(
    '/etc/opt/thing/config/x' in
      places({
        'a/a.container': mounting('/etc/opt/thing/config'),
        'a/config/x': '',
        'b/b.container': image,
      }),
    true,
  );
});

test('a script goes to where its service starts it', () => {
  const tree = { 'dump.service': '[Service]\nExecStart=/usr/local/bin/dump.sh --all\n', 'bin/dump.sh': '' };
  assert.deepEqual(places(tree)['/usr/local/bin/dump.sh'], 'guessed_place');
});

test('folders that hold units of several apps say whose each is', () => {
  const tree = {
    'media/a.container': image,
    'media/a/x': '',
    'apps/web/b.container': image,
    'c.container': image,
  };
  assert.deepEqual(places(tree, [{ from: '', to: '/srv' }]), {
    '/etc/containers/systemd/a.container': 'media',
    '/srv/media/a/x': 'media',
    '/etc/containers/systemd/b.container': 'web',
    '/etc/containers/systemd/c.container': '',
  });
  // One folder with everything, or the machine's own name, says nothing.
  assert.deepEqual(places({ 'home/a.container': image, 'home/b.container': image }), {
    '/etc/containers/systemd/a.container': '',
    '/etc/containers/systemd/b.container': '',
  });
  assert.equal(
    places({ 'box/a.container': image, 'x/b.container': image, 'y/c.container': image })[
      '/etc/containers/systemd/a.container'
    ],
    '',
  );
});

test('what others may write is taken away where the owner is not known', () => {
  const tree: GivenTree = { 'etc/a': { text: '', mode: 0o664 }, 'etc/b': { text: '', mode: 0o777 } };
  const modes = (owned: boolean) => {
    const placed = placeSource(sourceOf(tree, owned), { rules: [], machine: 'box' });
    return [...placed.files.map(({ mode }) => mode), placed.notes.length];
  };
  assert.deepEqual(modes(false), ['0644', '0755', 2]);
  assert.deepEqual(modes(true), ['0664', '0777', 0]);
});

test('where owners are not known, files that not everybody may read are told', async () => {
  const tree: GivenTree = {
    'etc/containers/systemd/a.container': image,
    'etc/opt/a/x.ini': { text: 'x\n', mode: 0o640 },
    'srv/a': { text: null, mode: 0o2775 },
  };
  const adopted = await adoptTree(tree);
  assert.deepEqual(told(adopted.doubts), ['machine_assumed box', 'owner_assumed /etc/opt/a/x.ini']);
  assert.deepEqual(told(adopted.left), ['special_mode /srv/a']);
  assert.deepEqual(told((await adoptTree(tree, { owned: true })).doubts), ['machine_assumed box']);
});

test('a rule that places nothing is told', async () => {
  const rules = [
    { from: 'configs', to: '/etc/opt' },
    { from: 'x', to: '/etc/x' },
  ];
  const flat = await adoptTree({ 'a.container': image, x: 'x\n' }, { rules });
  assert.deepEqual(told(flat.left), ['no_match configs']);
  const tree = await adoptTree({ 'etc/containers/systemd/a.container': image, 'etc/x': '' }, { rules });
  assert.deepEqual(told(tree.left), ['no_match configs', 'no_match x']);
});
