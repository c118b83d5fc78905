import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { podmanOptionsSchema } from '../../src/config/generate/podman/options.ts';
import { traefikOptionsSchema } from '../../src/config/generate/traefik/options.ts';
import { sectionOf } from '../support/doc-lines.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/generators.md'), 'utf8');

const schemas = { Traefik: traefikOptionsSchema, Podman: podmanOptionsSchema } as const;

for (const [name, schema] of Object.entries(schemas)) {
  test(`the options of ${name} on the page are those that it reads`, () => {
    const table = sectionOf(page, name).split('| option | what it says |')[1]!;
    const listed = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, option]) => option!);
    assert.deepEqual(listed.sort(), Object.keys(schema.entries).sort());
  });
}

/** The files that the page shows, each with the parts of the page's other sections put under it. */
function shown(): Tree {
  const files: Record<string, Record<string, unknown>> = {};
  for (const [, path, text] of page.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```/gm)) {
    files[path!] = { ...files[path!], ...(parse(text!) as object) };
  }
  const { guests, ...homelab } = files['homelab.yaml']!;
  files['homelab.yaml'] = { v: 1, site: { domain: 'example.net' }, hosts: { pve1: {} }, guests, ...homelab };
  return {
    ...Object.fromEntries(Object.entries(files).map(([path, value]) => [path, JSON.stringify(value)])),
    'apps/traefik/traefik.container':
      '[Container]\nImage=docker.io/library/traefik:v3.7.9\nContainerName=traefik\n',
    'apps/blog/app.yaml':
      'on: websvcs\nunits: [blog.container]\nroute: { host: blog, port: 80, via: secsvcs }\n',
    'apps/blog/blog.container': '[Container]\nImage=docker.io/library/nginx:1.29.1\nPublishPort=80:80\n',
  };
}

test('what the page shows builds, and makes what it says', async () => {
  const tree = { ...shown() };
  const withAddresses = (tree['homelab.yaml'] as string).replace(
    '"vmid":102',
    '"vmid":102,"address":"192.168.20.12"',
  );
  const { findings, release } = await buildTree({ ...tree, 'homelab.yaml': withAddresses });
  assert.deepEqual(findings, []);
  const paths = release!.manifest.parts.flatMap(({ target, files }) =>
    files.map(({ path }) => `${target} ${path}`),
  );
  for (const path of [
    'secsvcs /etc/opt/traefik/traefik.yml',
    'secsvcs /etc/opt/traefik/dynamic/home.yml',
    'secsvcs /etc/containers/systemd/home.network',
    'secsvcs /etc/containers/systemd/traefik.container.d/50-writ-network.conf',
    'websvcs /etc/containers/systemd/blog.own.network',
  ]) {
    assert.ok(paths.includes(path), path);
  }
});
