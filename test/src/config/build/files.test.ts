import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBytes } from '../../../../schema/jose/digest.ts';
import type { ReleaseFile } from '../../../../schema/wire/release.ts';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';

const app = (...lines: string[]): Tree => ({
  'apps/two/app.yaml': ['on: secsvcs', ...lines, ''].join('\n'),
});

/** The files of an app, by path, with their text. */
async function filesOf(changes: Tree): Promise<ReadonlyMap<string, ReleaseFile & { text: string }>> {
  const { release, findings } = await buildTree(smallHome, changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  const part = release.manifest.parts.find(({ target }) => target === 'secsvcs')!;
  return new Map(
    part.files.map((file) => [
      file.path,
      { ...file, text: new TextDecoder().decode(release.blobs.get(file.digest)) },
    ]),
  );
}

test('raw takes a file as it is: its name, its braces and what looks like a placeholder', async () => {
  const text = '{{ nope }} {# #}\n~writ:secret:nobody~\n';
  const files = await filesOf({
    ...app('files:', '  - { from: a/, to: /etc/a/, raw: true }'),
    'apps/two/a/x.j2': text,
    'apps/two/a/plain': text,
  });
  assert.deepEqual([...files.keys()], ['/etc/a/plain', '/etc/a/x.j2']);
  for (const file of files.values()) {
    assert.equal(file.text, text);
    assert.equal(file.secrets, undefined, 'nothing is filled in on the target');
  }
  const { findings } = await buildTree(smallHome, {
    ...app('files:', '  - { from: plain, to: /etc/plain }'),
    'apps/two/plain': text,
  });
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['secret_undeclared'],
  );
});

test('raw does not go with what is generated', async () => {
  const { findings } = await buildTree(
    smallHome,
    app('files:', '  - { generate: hosts/file, to: /etc/hosts, raw: true }'),
  );
  assert.deepEqual(
    findings.map(({ code, line }) => `${line} ${code}`),
    ['3 file_source'],
  );
});

const unit = '[Container]\nImage=docker.io/library/redis:8.2\n';

test('a unit has the mode and owner that its entry says', async () => {
  const files = await filesOf({
    ...app('units: [a.container, { unit: b.container, mode: "0600", owner: 472 }]'),
    'apps/two/a.container': unit,
    'apps/two/b.container': unit,
  });
  const attributes = [...files.values()].map(({ path, mode, owner }) => `${path} ${mode} ${owner}`);
  assert.deepEqual(attributes, [
    '/etc/containers/systemd/a.container 0644 root:root',
    '/etc/containers/systemd/b.container 0600 472:472',
  ]);
});

test('units may stand in folders, as Podman reads them, and their services are known', async () => {
  const tree = {
    ...app('units: [media/tv.container, "media/*.volume", media/tv.container.d/10.conf]'),
    'apps/two/media/tv.container': `${unit}Volume=tv.volume:/data\n`,
    'apps/two/media/tv.container.d/10.conf': '[Container]\nReadOnly=true\n',
    'apps/two/media/tv.volume': '[Volume]\n',
  };
  const files = await filesOf(tree);
  assert.deepEqual(
    [...files.values()].map(({ path, kind }) => `${path} ${kind}`),
    ['tv.container', 'tv.container.d/10.conf', 'tv.volume'].map(
      (name) => `/etc/containers/systemd/media/${name} unit`,
    ),
  );
  const { release } = await buildTree(smallHome, tree);
  const [two] = release!.manifest.parts.find(({ target }) => target === 'secsvcs')!.apps;
  assert.deepEqual(two!.units, [
    { service: 'tv-volume.service', files: ['media/tv.volume'], kind: 'resource' },
    {
      service: 'tv.service',
      files: ['media/tv.container', 'media/tv.container.d/10.conf'],
      kind: 'run',
    },
  ]);
});

test('no unit leads out of its folder', async () => {
  for (const name of [
    '../x.container',
    './x.container',
    'a//x.container',
    '/x.container',
    'a/../x.container',
  ]) {
    const { findings } = await buildTree(smallHome, {
      ...app(`units: ["${name}"]`),
      'apps/two/x.container': unit,
    });
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['wrong_value'],
      name,
    );
  }
});

test('a secret may be named as its variable is', async () => {
  const { release, findings } = await buildTree(smallHome, {
    ...app('units: [a.container]', 'secrets: [DB_PASSWORD, app.key]', 'files: [{ from: x.j2, to: /etc/x }]'),
    'apps/two/a.container': `${unit}Secret=DB_PASSWORD,type=env\nSecret=app.key\n`,
    'apps/two/x.j2': "{{ secret('DB_PASSWORD') }}",
    'secrets/secsvcs/DB_PASSWORD.age': toBytes('x'),
  });
  assert.deepEqual(
    findings.filter(({ code }) => code === 'secret_missing').map(({ message }) => message),
    ['nobody has set the secret app.key for secsvcs'],
  );
  const part = release!.manifest.parts.find(({ target }) => target === 'secsvcs')!;
  assert.deepEqual(
    part.apps[0]!.secrets.map(({ name, digest }) => [name, digest !== undefined]),
    [
      ['DB_PASSWORD', true],
      ['app.key', false],
    ],
  );
  assert.deepEqual(part.files.find(({ path }) => path === '/etc/x')!.secrets, ['DB_PASSWORD']);
});
