import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { backupToFile } from '../../../src/node/backup.ts';
import { restoreBackup } from '../../../src/node/restore.ts';
import { openEmbedded } from '../../../src/store/embedded-node.ts';
import { createStore } from '../../../src/store/store.ts';
import { deploy, makeReleasingHome } from '../../support/releases.ts';

test('a backup holds deployments and all that their releases name', async (t) => {
  const { made } = await makeReleasingHome(t);
  const { id, release } = await deploy(made, { websvcs: { files: { '/etc/opt/web/a.conf': 'a' } } });
  const folder = await mkdtemp(join(tmpdir(), 'writ-backup-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'writ.tar');
  const options = { dataDir: join(made.path, '..'), now: () => 1, version: '0.1.0' };
  assert.ok((await backupToFile(options, file)).ok);
  const dataDir = join(folder, 'restored');
  assert.ok((await restoreBackup({ dataDir, now: () => 2 }, createReadStream(file))).ok);
  const database = await openEmbedded({ path: join(dataDir, 'writ.db') });
  t.after(() => database.close());
  const store = createStore(database);
  assert.deepEqual(await store.deployments.load(id), await made.store.deployments.load(id));
  for (const [digest, bytes] of release.blobs) {
    assert.deepEqual([...(await store.blobs.read(digest))!], [...bytes]);
  }
  const [{ digest } = { digest: '' }] = release.order.parts;
  assert.ok((await store.blobs.readFor('pve2', digest)) !== null);
});
