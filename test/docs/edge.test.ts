import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildEdge, edgeHome } from '../support/edge-home.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/edge.md'), 'utf8');

test('the apps of the page build in a home of its kind', async () => {
  const apps = [...page.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```/gm)].map(
    ([, path, text]) => [path!, text!] as const,
  );
  assert.deepEqual(
    apps.map(([path]) => path),
    ['apps/haproxy/app.yaml', 'apps/unbound/app.yaml'],
  );
  assert.deepEqual((await buildEdge(Object.fromEntries(apps))).findings, []);
  const [, route] = /`(route: \{ host: writ, [^`]*\})`/.exec(page)!;
  assert.ok(String(edgeHome['apps/writ/app.yaml']).includes(route!));
});
