import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { bundleAction } from '../../debian/bundle-action.ts';

const root = join(import.meta.dirname, '../..');

test('threat 21: the committed programs of the Action are what its sources build: npm run build:action', async () => {
  for (const [path, text] of await bundleAction()) {
    const committed = readFileSync(join(root, path), 'utf8');
    assert.ok(committed === text, `${path} is not what its sources build. Run: npm run build:action`);
  }
});

test('the Action runs on Node 24, and loads nothing beside its own programs', async () => {
  for (const name of ['check', 'deploy']) {
    const action = parse(readFileSync(join(root, 'action', name, 'action.yml'), 'utf8')) as { runs: object };
    assert.deepEqual(action.runs, { using: 'node24', main: 'index.js' });
  }
  const known =
    /^(node:)?(assert|buffer|child_process|crypto|fs|http|https|module|net|os|path|process|stream|tls|url|util|worker_threads)$/;
  for (const [path, text] of await bundleAction()) {
    const loaded = [...text.matchAll(/^import\b[^"';]*["']([^"']+)["']/gm)].map(([, name]) => name!);
    assert.ok(loaded.length > 0, path);
    assert.deepEqual(
      loaded.filter((name) => !known.test(name)),
      [],
      path,
    );
  }
});
