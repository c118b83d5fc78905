import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { hosts } from '../../src/config/generate/hosts.ts';
import { generators } from '../../src/config/generate/index.ts';
import { proxmox } from '../../src/config/generate/proxmox.ts';
import { optionsOf, writeReference } from '../support/generator-reference.ts';
import { buildTree, type Tree } from '../support/repo-fixture.ts';

const root = join(import.meta.dirname, '../..');
const path = join(root, 'docs/generators.md');
const isWriting = process.env.WRIT_WRITE_DOCS === '1';
const before = readFileSync(path, 'utf8');
const written = writeReference(before, generators);
const page = isWriting ? written : before;

test('what the page says of outputs and options is what the code says', () => {
  if (isWriting) writeFileSync(path, written);
  else assert.equal(page, written, 'WRIT_WRITE_DOCS=1 node --test test/docs/generators.test.ts writes it');
});

for (const generator of generators) {
  test(`${generator.name} has one part of the page, in a section with words beside it`, () => {
    const begin = `<!-- generated:${generator.name} -->`;
    assert.equal(page.split(begin).length, 2);
    const before = page
      .split(begin)[0]!
      .split(/^## .*$/m)
      .at(-1)!;
    assert.ok(
      before.trim() !== '' && !before.includes('<!-- generated:'),
      'a section, and words before the part',
    );
  });

  test(`every option of ${generator.name} says what it does`, () => {
    const silent = optionsOf(generator.options?.entries ?? {}).filter(
      ({ about }) => (about ?? '').trim() === '',
    );
    assert.deepEqual(
      silent.map(({ name }) => name),
      [],
    );
  });

  test(`${generator.name} tells its options where it reads any`, () => {
    const source = globSync(`src/config/generate/{${generator.name},${generator.name}-*}{.ts,/**/*.ts}`, {
      cwd: root,
    })
      .map((one) => readFileSync(join(root, one), 'utf8'))
      .join('');
    assert.ok(source !== '');
    assert.ok(generator.options !== undefined || !source.includes('readOptions('));
  });
}

test('a new generator gets its part at the end of the section with its name, or a section', () => {
  const sections = `# Generators\n\n## Proxmox VE\n\nWords.\n\n## Last\n\nMore.\n`;
  const made = writeReference(sections, [proxmox, hosts]);
  const part = (name: string) => `<!-- generated:${name} -->[^]*<!-- /generated:${name} -->\n`;
  assert.match(
    made,
    new RegExp(`Words\\.\n\n${part('proxmox')}\n## Last\n\nMore\\.\n\n## Hosts\n\n${part('hosts')}$`),
  );
  assert.equal(writeReference(made, [hosts, proxmox]), made);
});

test('no part of the page is of a generator that is not there', () => {
  const names = [...page.matchAll(/<!-- generated:(\S+) -->/g)].map(([, name]) => name!);
  assert.deepEqual(names.sort(), generators.map(({ name }) => name).sort());
});

/** The files that the page shows, each with the parts of the page's other sections put under it. */
function shown(): Tree {
  const files: Record<string, Record<string, unknown>> = {};
  for (const [, path, text] of page.matchAll(/^```yaml\n# (\S+)\n([\s\S]*?)^```/gm)) {
    files[path!] = { ...files[path!], ...(parse(text!) as object) };
  }
  const text = {
    container: (name: string) => `[Container]\nImage=docker.io/library/x:1.0.0\nContainerName=${name}\n`,
    service: () => '[Service]\nExecStart=/bin/true\n',
  };
  const stand = Object.entries(files).flatMap(([path, { units = [] }]) =>
    (units as string[]).flatMap((unit) => {
      const [, name, kind] = /^([^/]+)\.(container|service)$/.exec(unit) ?? [];
      if (name === undefined) return [];
      return [[path.replace('app.yaml', unit), text[kind as keyof typeof text](name)]];
    }),
  );
  const { guests, ...homelab } = files['homelab.yaml']!;
  files['homelab.yaml'] = {
    v: 1,
    site: { domain: 'example.net' },
    networks: { lan: { subnet: '192.168.20.0/24' } },
    hosts: { pve1: {} },
    guests,
    ...homelab,
  };
  return {
    // Unless the page shows it, too.
    'apps/victoriametrics/app.yaml': 'on: secsvcs\n',
    ...Object.fromEntries(stand),
    ...Object.fromEntries(Object.entries(files).map(([path, value]) => [path, JSON.stringify(value)])),
    'apps/traefik/traefik.container':
      '[Container]\nImage=docker.io/library/traefik:v3.7.9\nContainerName=traefik\n',
    'apps/authelia/configuration.yml': 'theme: auto\n',
    'apps/postgres/app.yaml': 'on: secsvcs\nunits: [postgres.container]\n',
    'apps/postgres/postgres.container':
      '[Container]\nImage=docker.io/library/postgres:17.6\nContainerName=postgres\n',
    'apps/blog/app.yaml':
      'on: websvcs\nunits: [blog.container]\nroute: { host: blog, port: 80, via: secsvcs }\n',
    'apps/blog/blog.container': '[Container]\nImage=docker.io/library/nginx:1.29.1\nPublishPort=80:80\n',
  };
}

test('what the page shows builds, and makes what it says', async () => {
  const tree = { ...shown() };
  const withAddresses = (tree['homelab.yaml'] as string)
    .replace('"vmid":101', '"vmid":101,"network":"lan","address":"192.168.20.11"')
    .replace('"vmid":102', '"vmid":102,"network":"lan","address":"192.168.20.12"');
  const { findings, release } = await buildTree({ ...tree, 'homelab.yaml': withAddresses });
  // Nobody has set a secret here.
  assert.deepEqual(
    findings.filter(({ code }) => code !== 'secret_missing'),
    [],
  );
  const paths = release!.manifest.parts.flatMap(({ target, files }) =>
    files.map(({ path }) => `${target} ${path}`),
  );
  for (const path of [
    'secsvcs /etc/opt/traefik/traefik.yml',
    'secsvcs /etc/opt/traefik/dynamic/home.yml',
    'secsvcs /etc/containers/systemd/home.network',
    'secsvcs /etc/containers/systemd/traefik.container.d/50-writ-network.conf',
    'websvcs /etc/containers/systemd/blog.own.network',
    'secsvcs /etc/authelia/access-control.yml',
    'secsvcs /etc/authelia/clients.yml',
    'secsvcs /etc/opt/lldap-people/user-configs/anna.json',
    'cloud /etc/headscale/policy.json',
    'cloud /etc/headscale/records.json',
  ]) {
    assert.ok(paths.includes(path), path);
  }
});
