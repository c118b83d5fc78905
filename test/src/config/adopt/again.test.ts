import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptTree, broughtBy, told } from '../../../support/adopt-fixture.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { machineTree } from './homes.ts';

const image = '[Container]\nImage=docker.io/library/x:1\n';
const traefik = {
  'etc/containers/systemd/traefik.container': `${image}Volume=/etc/opt/traefik/t.yml:/t.yml\n`,
  'etc/opt/traefik/t.yml': 'a: 1\n',
};

test('a second machine comes into the same repo, its apps beside those of the first', async () => {
  const first = await adoptTree(traefik, { machine: { name: 'secsvcs', host: 'pve1', vmid: 101 } });
  const repo = Object.fromEntries(first.files);
  const other = { ...traefik, 'etc/opt/traefik/t.yml': 'a: 2\n' };
  const second = await adoptTree(other, { machine: { name: 'homesvcs', host: 'pve1', vmid: 102 }, repo });
  assert.deepEqual([...second.files.keys()].sort(), [
    'apps/traefik-homesvcs/app.yaml',
    'apps/traefik-homesvcs/t.yml',
    'apps/traefik-homesvcs/traefik.container',
    'homelab.yaml',
  ]);
  assert.equal(
    second.texts['homelab.yaml'],
    'v: 1\nhosts:\n  pve1: {}\nguests:\n  secsvcs: { host: pve1, vmid: 101 }\n  homesvcs: { host: pve1, vmid: 102 }\n',
  );
  const whole = { ...repo, ...Object.fromEntries(second.files) };
  const text = async (machine: string) =>
    (await broughtBy(new Map(), machine, whole))['/etc/opt/traefik/t.yml'];
  assert.equal(await text('secsvcs'), '0644 root:root a: 1\n');
  assert.equal(await text('homesvcs'), '0644 root:root a: 2\n');

  const again = await adoptTree(other, { machine: { name: 'homesvcs' }, repo: whole });
  assert.deepEqual([again.texts, again.blocking, again.known], [{}, [], 2]);
});

test('a file that the repo has otherwise stops everything, named', async () => {
  const first = await adoptTree(traefik);
  const repo = Object.fromEntries(first.files);
  const changed = { ...traefik, 'etc/opt/traefik/t.yml': 'a: 3\n', 'etc/opt/new/x': 'x\n' };
  const second = await adoptTree(changed, { repo });
  assert.deepEqual(told(second.blocking), ['differs /etc/opt/traefik/t.yml']);
  assert.match(second.blocking[0]!.message, /apps\/traefik/);
  assert.equal(second.files.size, 0);
});

test('what is new on the machine comes as an app of its own, and no file of the repo changes', async () => {
  const first = await adoptTree(traefik);
  const repo = Object.fromEntries(first.files);
  const more = { ...traefik, 'etc/containers/systemd/web.container': image, 'etc/opt/traefik/u.yml': 'b\n' };
  const second = await adoptTree(more, { repo });
  assert.deepEqual(second.blocking, []);
  assert.deepEqual([...second.files.keys()].sort(), [
    'apps/traefik-box/app.yaml',
    'apps/traefik-box/u.yml',
    'apps/web/app.yaml',
    'apps/web/web.container',
  ]);
});

test('a repo that a person wrote gets the machine’s apps, and its comments stay', async () => {
  const text = `${(smallHome['homelab.yaml'] as string).replace('guests:', 'guests: # mine')}# end\n`;
  const repo = { ...smallHome, 'homelab.yaml': text };
  const adopted = await adoptTree(traefik, { machine: { name: 'box', host: 'pve2', vmid: 7000 }, repo });
  assert.deepEqual(adopted.blocking, []);
  assert.equal(
    adopted.texts['homelab.yaml'],
    text
      .replace('network: lan }\nguests', 'network: lan }\n  pve2: {}\nguests')
      .replace('.12, network: lan }\n', '.12, network: lan }\n  box: { host: pve2, vmid: 7000 }\n'),
  );
  const known = await adoptTree(traefik, { machine: { name: 'websvcs' }, repo });
  assert.deepEqual(
    [...known.files.keys()].filter((path) => !path.startsWith('apps/')),
    [],
    'a machine that is there needs no change',
  );
});

test('what homelab.yaml says of the machine is not contradicted', async () => {
  const machine = { name: 'websvcs', host: 'pve1', vmid: 999, podman: '5.6' };
  const adopted = await adoptTree(traefik, { machine, repo: smallHome });
  assert.deepEqual(
    adopted.blocking.map(({ message }) => message),
    [
      'websvcs has 101 as its vmid there, and 999 was given: change it by hand',
      'websvcs has nothing as its podman there, and 5.6 was given: change it by hand',
    ],
  );
});

test('a repo with errors is not added to', async () => {
  const repo = { ...smallHome, 'apps/web/app.yaml': 'on: nowhere\n' };
  const adopted = await adoptTree(traefik, { repo });
  assert.deepEqual(told(adopted.blocking), ['repo_broken .']);
  assert.deepEqual(
    adopted.findings.map(({ code }) => code),
    ['unknown_target'],
  );
});

test('two sources of one machine are put together, and may not contradict each other', async () => {
  const { sourceOf } = await import('../../../support/adopt-fixture.ts');
  const opt = sourceOf({ 'etc/opt/traefik/t.yml': 'a: 1\n', 'etc/opt/traefik/more': 'x\n' });
  const both = await adoptTree(traefik, { more: [opt] });
  assert.deepEqual(both.blocking, []);
  assert.deepEqual(both.apps[0]!.files, ['/etc/opt/traefik/more', '/etc/opt/traefik/t.yml']);
  const contrary = await adoptTree(traefik, { more: [sourceOf({ 'etc/opt/traefik/t.yml': 'a: 9\n' })] });
  assert.deepEqual(told(contrary.blocking), ['place_twice /etc/opt/traefik/t.yml']);
  const flat = await adoptTree({ 'a/x.container': image, 'b/x.container': `${image}#\n` });
  assert.deepEqual(told(flat.blocking), ['place_twice /etc/containers/systemd/x.container']);
});

test('an app of the machine cannot take the name of one that is there', async () => {
  const adopted = await adoptTree(machineTree, { repo: { ...smallHome }, machine: { name: 'secsvcs' } });
  assert.deepEqual(adopted.blocking, []);
  assert.ok('apps/web-secsvcs/app.yaml' in adopted.texts);
  assert.ok(![...adopted.files.keys()].some((path) => path.startsWith('apps/web/')));
});
