import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { haproxyOptionsSchema } from '../../src/config/generate/haproxy/options.ts';
import { pfsenseOptionsSchema } from '../../src/config/generate/pfsense.ts';
import { unboundOptionsSchema } from '../../src/config/generate/unbound.ts';
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

const schemas = {
  haproxy: haproxyOptionsSchema,
  unbound: unboundOptionsSchema,
  pfsense: pfsenseOptionsSchema,
} as const;

test('the page lists every option, and no other', () => {
  for (const [name, { entries }] of Object.entries(schemas)) {
    const table = page.split(`| option of ${name} |`)[1]!.split('\n\n')[0]!;
    const listed = [...table.matchAll(/^\| (`[a-z_`, ]+`) \|/gm)].flatMap(([, cell]) =>
      cell!.replaceAll('`', '').split(', '),
    );
    assert.deepEqual(listed.sort(), Object.keys(entries).sort(), name);
  }
});
