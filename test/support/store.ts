import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type EmbeddedDatabase, type EmbeddedOptions, openEmbedded } from '../../src/store/embedded-node.ts';
import { type Migration, migrate } from '../../src/store/migrate.ts';

/** A directory of its own under the system's, removed after the test. */
export async function makeTemporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-store-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export type TestStore = { readonly db: EmbeddedDatabase; readonly path: string };

/** An embedded store on a real file, migrated; closed and removed after the test. */
export async function openTestStore(
  t: TestContext,
  migrations: readonly Migration[],
  options: Omit<EmbeddedOptions, 'path'> = {},
): Promise<TestStore> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-store-'));
  const path = join(folder, 'writ.db');
  const db = await openEmbedded({ path, ...options });
  t.after(async () => {
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });
  await migrate(db, migrations);
  return { db, path };
}
