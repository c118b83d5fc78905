import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';

const two: Tree = {
  'apps/two/app.yaml': 'on: websvcs\nunits: [two.container]\n',
  'apps/two/two.container': '[Container]\nImage=docker.io/library/redis:8.2\n',
};
const homelab = smallHome['homelab.yaml'] as string;

async function findingsOf(changes: Tree): Promise<string[]> {
  const { findings } = await buildTree(smallHome, changes);
  return findings
    .filter(({ file }) => !file.endsWith('homelab.yaml'))
    .map(({ file, line, column, severity, code }) => `${file}:${line}:${column} ${severity} ${code}`);
}

const box = (...lines: string[]): string =>
  ['[Container]', 'Image=docker.io/library/redis:8.2', ...lines, ''].join('\n');

test('units of all apps on a machine are judged together', async () => {
  assert.deepEqual(await findingsOf(two), []);
  const changes = {
    ...two,
    'apps/web/web.container': `${smallHome['apps/web/web.container'] as string}PublishPort=8080:80\n`,
    'apps/two/two.container': box('PublishPort=8080:80', 'ContainerName=web', 'Volume=webdata.volume:/data'),
  };
  assert.deepEqual(await findingsOf(changes), [
    'apps/web/web.container:3:15 error name_twice',
    'apps/web/web.container:6:13 error port_twice',
  ]);
  const apart = { ...changes, 'apps/two/app.yaml': 'on: secsvcs\nunits: [two.container]\n' };
  assert.deepEqual(await findingsOf(apart), ['apps/two/two.container:5:8 error unknown_unit']);
});

test('keys are judged by the Podman that the machine states', async () => {
  const newer = homelab.replace('vmid: 101,', 'vmid: 101, podman: "5.6",');
  const changes = { ...two, 'apps/two/two.container': box('Memory=1g') };
  assert.deepEqual(await findingsOf(changes), ['apps/two/two.container:3:1 error key_too_new']);
  assert.deepEqual(await findingsOf({ ...changes, 'homelab.yaml': newer }), []);
});

test('rendered and copied units are judged, and told where they come from', async () => {
  const changes = {
    'apps/two/app.yaml': [
      'on: websvcs',
      'units: [two.container.j2]',
      'files:',
      '  - { from: extra.conf, to: /etc/containers/systemd/two.container.d/extra.conf }',
      '',
    ].join('\n'),
    'apps/two/two.container.j2': box('Label=colour={{ colour }}', 'Network=nett.network'),
    'apps/two/extra.conf': '[Container]\nReadOnly=perhaps\n',
  };
  assert.deepEqual(await findingsOf(changes), [
    'apps/two/app.yaml:4:5 error bad_value',
    'apps/two/two.container.j2:1:1 error unknown_unit',
  ]);
  const broken = { ...changes, 'apps/two/two.container.j2': box('Label={{ nothing }}') };
  assert.deepEqual(await findingsOf(broken), [
    'apps/two/app.yaml:4:5 error bad_value',
    'apps/two/two.container.j2:3:10 error template_undefined',
  ]);
});

test('the network that a machine owns is known', async () => {
  const changes = { ...two, 'apps/two/two.container': box('Network=websvcs') };
  assert.deepEqual(await findingsOf(changes), ['apps/two/two.container:3:9 warning unknown_network']);
  const owned = homelab.replace('vmid: 101,', 'vmid: 101, containers: { network: websvcs },');
  assert.deepEqual(await findingsOf({ ...changes, 'homelab.yaml': owned }), []);
});

test('a secret that app.yaml does not list is told at the value', async () => {
  const changes = { ...two, 'apps/two/two.container': box('Secret=a,type=env \\', '  b') };
  assert.deepEqual(await findingsOf(changes), [
    'apps/two/two.container:3:8 error secret_undeclared',
    'apps/two/two.container:4:3 error secret_undeclared',
  ]);
});
