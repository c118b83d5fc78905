import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toBytes } from '../../schema/jose/digest.ts';
import { type Built, buildRepo } from '../../src/config/build/build.ts';
import type { Repo } from '../../src/config/repo.ts';
import type { RenderTemplates } from '../../src/config/template/job.ts';
import { renderTemplate } from '../../src/config/template/render.ts';

/** Files of a repo by path. */
export type Tree = Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;

/** A repo with one guest, and one app that has a unit, a rendered file and a route. */
export const smallHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'networks:',
    '  lan: { subnet: 192.168.20.0/24 }',
    'hosts:',
    '  pve1: { address: 192.168.20.1, network: lan }',
    'guests:',
    '  websvcs: { host: pve1, vmid: 101, address: 192.168.20.11, network: lan }',
    '  secsvcs: { host: pve1, vmid: 102, address: 192.168.20.12, network: lan }',
    'access:',
    '  admins: { groups: admins }',
    'generators: { haproxy: { on: false }, traefik: { on: false } }',
    '',
  ].join('\n'),
  'vars.yaml': 'colour: blue\n',
  'apps/web/app.yaml': [
    'on: websvcs',
    'units: [web.container, webdata.volume]',
    'files:',
    '  - { from: web.ini.j2, to: /etc/opt/web/web.ini }',
    '  - { from: motd, to: /etc/opt/web/motd, on_change: none }',
    'route: { host: www, port: 8080, access: admins, public: true }',
    'health: { path: / }',
    '',
  ].join('\n'),
  'apps/web/web.container': [
    '[Container]',
    'Image=docker.io/library/nginx:1.29.1',
    'ContainerName=web',
    'Volume=webdata.volume:/data',
    'Volume=/etc/opt/web/web.ini:/web.ini:ro',
    '',
  ].join('\n'),
  'apps/web/webdata.volume': '[Volume]\n',
  'apps/web/web.ini.j2': 'address = {{ target.address }}\ncolour = {{ colour }}\n',
  'apps/web/motd': 'hello\n',
};

/** A repo in memory. `undefined` takes a file away. */
export function repoOf(tree: Tree, changes: Readonly<Record<string, Tree[string] | undefined>> = {}): Repo {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [path, content] of Object.entries({ ...tree, ...changes })) {
    if (content === undefined) continue;
    files.set(path, typeof content === 'string' ? toBytes(content) : content);
  }
  return { files, findings: [] };
}

/** Renders in this thread, without a limit of time. */
export const renderHere: RenderTemplates = (home, jobs) =>
  Promise.resolve(jobs.map((job) => renderTemplate(home, job)));

/** Builds a repo in memory. */
export const buildTree = (tree: Tree, changes: Parameters<typeof repoOf>[1] = {}): Promise<Built> =>
  buildRepo(repoOf(tree, changes), renderHere);

/** Writes a repo into a new folder, which is removed when the test ends. */
export function writeTree(t: { after(work: () => void): void }, tree: Tree): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-repo-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(tree)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}
