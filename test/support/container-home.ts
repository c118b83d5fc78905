import assert from 'node:assert/strict';
import { buildTree, type Tree } from './repo-fixture.ts';

/** A machine with a network of containers; `more` goes into its `containers`, `end` to the end of homelab.yaml. */
export const homeWith = (more = '', end = ''): Tree => ({
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks: { lan: { subnet: 192.168.20.0/24 } }',
    'hosts:',
    '  pve1: { address: 192.168.20.1, network: lan }',
    'guests:',
    `  web: { host: pve1, vmid: 101, address: 192.168.20.11, network: lan, containers: { network: home, subnet: 10.89.10.0/24${more} } }`,
    'generators:',
    '  traefik: { on: false }',
    end,
    '',
  ].join('\n'),
  'apps/base/app.yaml': 'on: web\nfiles:\n  - { generate: podman/networks, to: /etc/containers/systemd/ }\n',
});
export const isolatedHome = (end?: string): Tree => homeWith(', isolate: true', end);

type Boxes = Readonly<Record<string, readonly string[]>>;

/** An app whose boxes have these lines in their own section. */
export function appOf(name: string, boxes: Boxes | readonly string[], ...lines: readonly string[]): Tree {
  const all: Boxes = Array.isArray(boxes) ? { [`${name}.container`]: boxes } : (boxes as Boxes);
  const files = Object.entries(all).map(([file, own]) => {
    const kind = file.slice(file.lastIndexOf('.') + 1);
    const image = kind === 'container' ? ['Image=docker.io/library/redis:8.2'] : [];
    return [
      `apps/${name}/${file}`,
      [`[${kind[0]!.toUpperCase()}${kind.slice(1)}]`, ...image, ...own, ''].join('\n'),
    ] as const;
  });
  const units = `units: [${Object.keys(all).join(', ')}]`;
  return {
    [`apps/${name}/app.yaml`]: ['on: web', units, ...lines, ''].join('\n'),
    ...Object.fromEntries(files),
  };
}

/** Where Podman looks. */
export const folder = '/etc/containers/systemd/';

/** The files of Podman's folder on the machine, without our first line; the release must be whole. */
export async function filesOf(...trees: readonly Tree[]): Promise<Map<string, string>> {
  const { release, findings } = await buildTree(Object.assign({}, ...trees));
  assert.deepEqual(
    findings.filter(({ code }) => code !== 'secret_missing'),
    [],
  );
  const part = release!.manifest.parts.find(({ target }) => target === 'web')!;
  const decode = (digest: string): string => new TextDecoder().decode(release!.blobs.get(digest));
  return new Map(
    part.files
      .filter(({ path }) => path.startsWith(folder))
      .map(({ path, digest }) => [
        path.slice(folder.length),
        decode(digest).replace(/^# Made by Writ.*\n/, ''),
      ]),
  );
}

/** Severity, code and file of every finding. */
export const codesOf = async (...trees: readonly Tree[]): Promise<string[]> =>
  (await buildTree(Object.assign({}, ...trees))).findings.map(
    ({ severity, code, file }) => `${severity} ${code} ${file}`,
  );
