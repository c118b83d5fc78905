import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptTree, broughtBy, type GivenTree, told } from '../../../support/adopt-fixture.ts';

const image = '[Container]\nImage=docker.io/library/x:1\n';
const folder = 'etc/containers/systemd/';

test('a unit that Podman refuses is left out with the reason, and does not stop the rest', async () => {
  const tree: GivenTree = {
    [`${folder}bad.container`]: `${image}Foo=bar\n`,
    [`${folder}junk.container`]: 'what is this\n',
    [`${folder}orphan.container`]: `${image}Network=gone.network\n`,
    [`${folder}gone.network`]: '[Network]\nSubnet=10.0.0.0/24\nNope=1\n',
    [`${folder}good.container`]: `${image}PublishPort=80:80\n`,
    [`${folder}later.container`]: `${image}PublishPort=80:80\n`,
    'etc/opt/bad/x': 'x\n',
    'etc/systemd/system/sub/folder.service': '[Service]\n',
  };
  const adopted = await adoptTree(tree);
  assert.deepEqual(adopted.blocking, []);
  assert.deepEqual(told(adopted.left), [
    `dead_unit /${folder}bad.container`,
    `dead_unit /${folder}gone.network`,
    `dead_unit /${folder}junk.container`,
    `dead_unit /${folder}later.container`,
    `dead_unit /${folder}orphan.container`,
    'dead_unit /etc/systemd/system/sub/folder.service',
  ]);
  assert.match(
    adopted.left.find(({ path }) => path.endsWith('bad.container'))!.message,
    /^line 3: .*no key Foo/,
  );
  assert.deepEqual(Object.keys(await broughtBy(adopted.files)), [
    `/${folder}good.container`,
    '/etc/opt/bad/x',
  ]);
});

test('a unit of which Podman drops a part is left out with the line and what to do', async () => {
  const adopted = await adoptTree({ [`${folder}a.container`]: `${image}Label=a=b c\n` });
  assert.deepEqual(
    adopted.left.map(({ message }) => message),
    [
      'line 3: c has no = and a value, so Podman drops it. Quote the whole assignment when its value has spaces',
    ],
  );
});

test('a key of a later Podman asks which one the machine has, and is no dead unit', async () => {
  const tree = { [`${folder}a.container`]: `${image}Memory=1g\n` };
  const adopted = await adoptTree(tree);
  assert.deepEqual(told(adopted.blocking), ['podman_unknown apps/a/a.container']);
  assert.match(adopted.blocking[0]!.message, /Memory.*5\.5/);
  const newer = await adoptTree(tree, { machine: { name: 'box', podman: '5.6' } });
  assert.deepEqual([newer.blocking, newer.left], [[], []]);
  const older = await adoptTree(tree, { machine: { name: 'box', podman: '5.4' } });
  assert.deepEqual(told(older.left), [`dead_unit /${folder}a.container`]);
});

test('units keep their mode and owner, and stand in folders as they did', async () => {
  const tree: GivenTree = {
    [`${folder}a.container`]: { text: image, mode: 0o600 },
    [`${folder}one/b.container`]: { text: image, uid: 1000, gid: 100 },
    [`${folder}two/c.container`]: image,
  };
  const adopted = await adoptTree(tree, { owned: true });
  assert.equal(
    adopted.texts['apps/a/app.yaml'],
    'on: box\nunits:\n  - { unit: a.container, mode: "0600" }\n',
  );
  assert.equal(
    adopted.texts['apps/one/app.yaml'],
    'on: box\nunits:\n  - { unit: one/b.container, owner: 1000:100 }\n',
  );
  assert.deepEqual(await broughtBy(adopted.files), {
    [`/${folder}a.container`]: `0600 root:root ${image}`,
    [`/${folder}one/b.container`]: `0644 1000:100 ${image}`,
    [`/${folder}two/c.container`]: `0644 root:root ${image}`,
  });
});

test('many units of a kind are a pattern, unless it would fit a file that is none', async () => {
  const units = Object.fromEntries(
    ['a', 'b', 'c', 'd', 'e'].map((name) => [
      `${folder}all-${name}.container`,
      `[Unit]\nAfter=all.service\n${image}`,
    ]),
  );
  const tree = { ...units, [`${folder}all.container`]: image, [`${folder}all.network`]: '' };
  const { texts } = await adoptTree(tree);
  assert.equal(texts['apps/all/app.yaml'], 'on: box\nunits: ["*.container", all.network]\n');
  const more = await adoptTree({ ...tree, 'etc/opt/all/sample.container': 'not a unit\n' });
  assert.match(more.texts['apps/all/app.yaml']!, /^ {2}- all-a\.container$/m);
  assert.deepEqual(more.left, []);
});

test('what an app cannot list is brought as a file, and told', async () => {
  const tree: GivenTree = {
    [`${folder}a.container`]: image,
    'etc/systemd/system/apps.slice': '[Slice]\nCPUWeight=10\n',
    'etc/systemd/system/srv-my\\x2dmedia.mount': '[Mount]\nWhat=/dev/sda1\nWhere=/srv/my-media\n',
    [`${folder}container.d/all.conf`]: '[Container]\nReadOnly=true\n',
  };
  const adopted = await adoptTree(tree);
  assert.deepEqual([adopted.blocking, adopted.left], [[], []]);
  assert.deepEqual(
    told(adopted.doubts).filter((one) => one.startsWith('not_a_unit')),
    ['not_a_unit /etc/systemd/system/apps.slice', 'not_a_unit /etc/systemd/system/srv-my\\x2dmedia.mount'],
  );
  assert.ok('apps/box-files/srv-my_x2dmedia.mount' in adopted.texts);
  assert.deepEqual(
    Object.keys(await broughtBy(adopted.files)).sort(),
    Object.keys(tree)
      .map((path) => `/${path}`)
      .sort(),
  );
});

test('files that git or Writ would read as their own keep their place under another name', async () => {
  const tree: GivenTree = {
    [`${folder}a.container`]: `${image}Volume=/etc/opt/a:/a\n`,
    'etc/opt/a/.gitignore': '*\n',
    'etc/opt/a/.gitattributes': '* text=auto\n',
    'etc/opt/a/app.yaml': 'mine\n',
    'etc/opt/a/x.j2': '{{ mine }}\n',
    'etc/opt/a/y.j2': '{{ mine }}\n',
    'etc/opt/a/say': '~writ:secret:mine~\r\n',
  };
  const adopted = await adoptTree(tree);
  assert.deepEqual([adopted.blocking, adopted.left], [[], []]);
  assert.equal(
    adopted.texts['apps/a/app.yaml'],
    `on: box
units: [a.container]
files:
  - { from: config/, to: /etc/opt/a/, raw: true }
  - { from: gitattributes, to: /etc/opt/a/.gitattributes }
  - { from: gitignore, to: /etc/opt/a/.gitignore }
  - { from: app-2.yaml, to: /etc/opt/a/app.yaml }
`,
  );
  const brought = await broughtBy(adopted.files);
  for (const [path, text] of Object.entries(tree))
    assert.equal(brought[`/${path}`], `0644 root:root ${text as string}`);
});

test('folders that a unit names are brought, with their owners; others are told', async () => {
  const tree: GivenTree = {
    [`${folder}a.container`]: `${image}Volume=/srv/data:/data\nVolume=/etc/opt:/opt\n`,
    'srv/data': { text: null, mode: 0o770, uid: 1000, gid: 1000 },
    'srv/data/sub': { text: null },
    'etc/opt': { text: null },
    'etc/opt/a/in': { text: null },
    'etc/empty': { text: null },
    'etc/cron.d': { text: null },
  };
  const adopted = await adoptTree(tree, { owned: true });
  assert.equal(
    adopted.texts['apps/a/app.yaml'],
    `on: box
units: [a.container]
dirs:
  - { path: /etc/opt/a/in }
  - { path: /srv/data, mode: "0770", owner: 1000 }
`,
  );
  assert.deepEqual(told(adopted.left), [
    'empty_folder /etc/cron.d',
    'empty_folder /etc/empty',
    'empty_folder /srv/data/sub',
  ]);
});
