import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

/** `line:column secret`, of the secrets that nobody has set. */
async function missingIn(more: string): Promise<string[]> {
  const { findings } = await buildTree(smallHome, {
    'apps/web/app.yaml': `on: websvcs\n${more}`,
    'apps/db/app.yaml': 'on: websvcs\n',
  });
  return findings
    .filter(({ code }) => code === 'secret_missing')
    .map(({ line, column, message }) => `${line}:${column} ${/secret (\S+)/.exec(message)![1]}`);
}

test('a secret that nobody has set is told where the app says that it needs it', async () => {
  assert.deepEqual(await missingIn('secrets: [one, two]\n'), ['2:11 one', '2:16 two']);
  assert.deepEqual(await missingIn('secrets:\n  one:\n  made: { from: one, as: base64 }\n  two:\n'), [
    '3:3 one',
    '5:3 two',
  ]);
  assert.deepEqual(
    await missingIn(
      'uses:\n  - { postgres: { app: db, database: web, password: one } }\n  - { oidc: { app: db, secret: two } }\n',
    ),
    ['3:5 one', '4:5 two'],
  );
});
