import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome } from '../../../support/repo-fixture.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;
const withFile = (to: string, more = ''): Record<string, string> => ({
  'apps/web/app.yaml': yaml.replace('route:', `  - { from: motd, to: ${to} }\n${more}route:`),
});

test('a file where no release may write is a warning at its place, and the release is made', async () => {
  const { findings, release } = await buildTree(smallHome, withFile('/etc/sudoers.d/web'));
  const [found, ...others] = findings.filter(({ code }) => code === 'path_never');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [found?.file, found?.line, found?.severity],
    ['apps/web/app.yaml', 6, 'warning'],
    JSON.stringify(findings),
  );
  assert.match(found!.message, /\/etc\/sudoers\.d\/web on websvcs/);
  assert.ok(release !== undefined);
});

test('folders count as files do, and what trust may grant does not', async () => {
  const dirs = 'dirs: [{ path: /etc/writ-relay/more }, { path: /srv/web }]\n';
  const { findings } = await buildTree(smallHome, withFile('/etc/haproxy/haproxy.cfg', dirs));
  const found = findings.filter(({ code }) => code === 'path_never');
  assert.deepEqual(
    found.map(({ line, column }) => [line, column]),
    [[7, 8]],
  );
  assert.match(found[0]!.message, /\/etc\/writ-relay\/more/);
});

test('a folder that is to be kept free of other files, and has what no release may touch, is told', async () => {
  for (const [to, told] of [
    ['/etc/web.conf, prune: true', 'warning /etc'],
    ['/etc/containers/systemd/web/, prune: true', 'warning /etc/containers/systemd/web'],
    ['/web.conf, prune: true', 'error /'],
    ['/etc/opt/other/, prune: true', undefined],
    ['/etc/web.conf', undefined],
  ] as const) {
    const { findings, release } = await buildTree(smallHome, withFile(to));
    const found = findings.find(({ code }) => code === 'path_never');
    const folder = /what else is in (\S+) on websvcs$/.exec(found?.message ?? '')?.[1];
    assert.equal(found && `${found.severity} ${folder}`, told, to);
    assert.equal(release === undefined, found?.severity === 'error');
  }
});

test('a unit that would take the place of Writ’s own is told', async () => {
  const changes = {
    'apps/web/app.yaml': yaml.replace('webdata.volume]', 'webdata.volume, writ-relay.container]'),
    'apps/web/writ-relay.container': '[Container]\nImage=docker.io/library/x:1.0.0\n',
  };
  const { findings } = await buildTree(smallHome, changes);
  assert.equal(findings.filter(({ code }) => code === 'path_never').length, 1, JSON.stringify(findings));
});

test('a device, to which no relay brings anything, has any path', async () => {
  const { findings } = await buildTree(smallHome, {
    'homelab.yaml': `${smallHome['homelab.yaml'] as string}devices: { switch: { kind: switch } }\n`,
    'apps/lan/app.yaml': 'on: switch\nfiles: [{ from: passwd, to: /etc/passwd }]\n',
    'apps/lan/passwd': 'x\n',
  });
  assert.deepEqual(findings, []);
});
