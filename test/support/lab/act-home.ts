import assert from 'node:assert/strict';
import type { Release } from '../../../schema/wire/release.ts';
import { buildTree, type Tree } from '../repo-fixture.ts';
import { towerHomelab } from './target-home.ts';

/** A web server in a container that ends at once when it is told to. */
export const webContainer = [
  '[Container]',
  'Image=localhost/busy:1',
  'ContainerName=web',
  'Network=host',
  'Volume=/etc/opt/web:/www:ro',
  'StopSignal=SIGKILL',
  'Exec=httpd -f -p 8080 -h /www',
  '',
].join('\n');

/** A host with an app in a container and one that is a service of systemd. */
export const home: Tree = {
  'homelab.yaml': towerHomelab,
  'apps/web/app.yaml': [
    'on: pve2',
    'units: [web.container]',
    'files: [{ from: index.html, to: /etc/opt/web/index.html }]',
    'health: { path: /, port: 8080, within: 20s }',
    '',
  ].join('\n'),
  'apps/web/web.container': webContainer,
  'apps/web/index.html': 'one\n',
  'apps/note/app.yaml': [
    'on: pve2',
    'units: [note.service]',
    'files: [{ from: note.txt, to: /etc/opt/note/note.txt, owner: "nobody:nogroup", mode: "0640" }]',
    '',
  ].join('\n'),
  'apps/note/note.service': '[Service]\nExecStart=/bin/sleep 100000\n',
  'apps/note/note.txt': 'note one\n',
};
/** What trust lets a release touch there. */
export const granted = ['/etc/opt/**', '/etc/containers/systemd/**', '/etc/systemd/system/**', '/etc/ssh/**'];

export async function releaseOf(changes: Parameters<typeof buildTree>[1] = {}): Promise<Release> {
  const { release, findings } = await buildTree(home, changes);
  assert.ok(release !== undefined, JSON.stringify(findings));
  return release;
}
