import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { assetDocuments } from '../../edge/documents.ts';
import { apiCodes } from '../../schema/api/api-codes.ts';
import { programVersion } from '../../schema/version.ts';
import { documentNames, documentsOf } from '../../src/http/documents.ts';

const root = join(import.meta.dirname, '../..');

test('what wrangler.toml has written beside the Worker is what Node gives out, and nothing more', async () => {
  const config = await readFile(join(root, 'wrangler.toml'), 'utf8');
  const command = /\[build\]\ncommand = "node ([^"]+)"/.exec(config)?.[1];
  const directory = /\ndirectory = "([^"]+)"/.exec(config)?.[1];
  assert.ok(command !== undefined && directory !== undefined);
  await promisify(execFile)(process.execPath, [join(root, command)]);
  assert.deepEqual((await readdir(join(root, directory))).sort(), [...documentNames].sort());
  const made = documentsOf(programVersion);
  for (const name of documentNames) {
    const written = await readFile(join(root, directory, name));
    assert.ok(written.equals(await made(name)), name);
  }
  const file = pathToFileURL(join(root, 'dist/worker/api-codes.js')).href;
  const { apiCodes: written } = (await import(file)) as { readonly apiCodes: unknown };
  const kept = Object.entries(apiCodes).map(([code, { todo: _, ...card }]) => [code, card]);
  assert.deepEqual(written, Object.fromEntries(kept));
  // The Worker alone gives them out, with its headers and its limits.
  assert.match(config, /\nrun_worker_first = true\n/);
});

test('a document is read once, as it lies there, and again where reading failed', async () => {
  const asked: string[] = [];
  let status = 404;
  const documents = assetDocuments({
    fetch: async ({ url }) => {
      asked.push(new URL(url).pathname);
      return new Response('{"openapi":"3.1.0"}', { status });
    },
  });
  await assert.rejects(documents('openapi.json'), /openapi\.json was not deployed with this Worker \(404\)/);
  status = 200;
  for (let round = 0; round < 2; round += 1) {
    assert.equal(new TextDecoder().decode(await documents('openapi.json')), '{"openapi":"3.1.0"}');
  }
  await documents('errors.html');
  assert.deepEqual(asked, ['/openapi.json', '/openapi.json', '/errors.html']);
});
