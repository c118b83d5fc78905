import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUnitName, unitPath } from '../../../../schema/quadlet/names.ts';
import { corpus } from '../../../schema/quadlet/corpus.ts';
import { adoptTree, broughtBy } from '../../../support/adopt-fixture.ts';

const tree = Object.fromEntries(corpus);
const latin1 = (text: string): string => `0644 root:root ${Buffer.from(text).toString('latin1')}`;

test('the whole corpus as a flat folder comes back byte for byte', async () => {
  const adopted = await adoptTree(tree);
  assert.deepEqual([adopted.blocking, adopted.left], [[], []]);
  const brought = await broughtBy(adopted.files);
  assert.equal(Object.keys(brought).length, corpus.size);
  for (const [path, text] of corpus) {
    const name = path
      .split('/')
      .slice(readUnitName(path).dropIn ? -2 : -1)
      .join('/');
    assert.equal(brought[unitPath(name)], latin1(text), path);
  }
});

test('and as /etc/containers/systemd itself, its subfolders as they are', async () => {
  const quadlets = Object.fromEntries(
    Object.entries(tree).filter(([path]) => unitPath(path).startsWith('/etc/containers/')),
  );
  const adopted = await adoptTree(quadlets, { at: '/etc/containers/systemd' });
  assert.deepEqual([adopted.blocking, adopted.left], [[], []]);
  const brought = await broughtBy(adopted.files);
  const expected = Object.entries(quadlets).map(([path, text]) => [
    `/etc/containers/systemd/${path}`,
    latin1(text),
  ]);
  assert.deepEqual(brought, Object.fromEntries(expected.sort(([a], [b]) => (a! < b! ? -1 : 1))));
  assert.ok(expected.length > 180, `${expected.length}`);
  // No two apps but for what they share.
  const grafana = adopted.apps.find(({ name }) => name === 'grafana');
  assert.deepEqual(grafana?.units, ['grafana.container', 'grafanadata.volume']);
});
