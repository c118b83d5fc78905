import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '../..');
const maxGzipBytes = 120_000;

test('wrangler bundles the Worker as it would deploy it, within its size and without Node', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'writ-bundle-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(root, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', folder],
    {
      cwd: root,
      env: {
        // What wrangler runs before it bundles takes the Node of this test.
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        HOME: folder,
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_SEND_ERROR_REPORTS: 'false',
        CLOUDFLARE_CF_FETCH_ENABLED: 'false',
        WRANGLER_HIDE_BANNER: 'true',
        NO_COLOR: '1',
      },
    },
  );
  assert.match(stdout, /env\.HOME \(Home\)/);
  assert.match(stdout, /env\.ASSETS/);
  const bundle = await readFile(join(folder, 'worker.js'));
  const { length } = gzipSync(bundle, { level: 9 });
  t.diagnostic(`worker bundle: ${bundle.length} bytes, ${length} gzip, limit ${maxGzipBytes}`);
  assert.ok(length <= maxGzipBytes, `${length} bytes`);
  const text = bundle.toString('utf8');
  assert.doesNotMatch(text, /(?:from|import|require\()\s*["']node:/);
  assert.match(text, /\/v1\/relay\/poll/);
  // What belongs to Node alone: names of the tailnet, what makes the documents, and the database client's other ways.
  assert.doesNotMatch(
    text,
    /local-tailscaled|localapi|<!doctype html>|securitySchemes|new WebSocket|sqlite3/i,
  );
});
