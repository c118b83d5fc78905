import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropInFolders, expandSpecifiers, isRun, readUnitName } from '../../../schema/quadlet/names.ts';
import { whatNeeds } from '../../../schema/quadlet/needs.ts';
import { all, readUnits, resourceName } from '../../../schema/quadlet/unit.ts';
import { asUnits, corpus } from './corpus.ts';

const units = new Map(readUnits(asUnits(corpus)).map((unit) => [unit.file.name, unit]));
const needs = (name: string) => whatNeeds(units.get(name)!);
const names = (list: readonly { name: string }[]): string[] => list.map(({ name }) => name);

test('what Grafana needs', () => {
  const { images, volumes, networks, secrets, ports, files, units: named } = needs('grafana.container');
  assert.deepEqual(names(images), ['docker.io/grafana/grafana:11.5.2']);
  assert.deepEqual(names(volumes), ['grafanadata.volume']);
  assert.deepEqual(names(networks), ['home.network']);
  assert.deepEqual(names(secrets), ['grafana_pg_password', 'grafana_oidc_secret']);
  assert.equal(secrets[0]!.options.get('target'), 'GF_DATABASE_PASSWORD');
  assert.deepEqual(ports, []);
  assert.deepEqual(
    files.map(({ name, readOnly }) => [name, readOnly]),
    [['/etc/opt/grafana/grafana.ini', true]],
  );
  assert.deepEqual(names(named), ['grafanadata.volume', 'home.network']);
});

test('what other kinds need', () => {
  const { files } = needs('volumes.container');
  assert.deepEqual(names(files), [
    ...['/srv/data', '/etc/containers/systemd/beside', '/etc/containers/above', '/srv/o', '/srv/u'],
  ]);
  assert.deepEqual(names(needs('volumes.container').volumes), ['data.volume', 'plainname']);
  const mounts = needs('mounts.container');
  assert.deepEqual(names(mounts.units), ['pulled.image', 'data.volume']);
  assert.deepEqual(names(mounts.files), ['/srv/a', '/etc/containers/systemd/conf', '/usr/lib/foo*']);
  assert.deepEqual(needs('podded.container').pod?.name, 'web.pod');
  assert.deepEqual(
    needs('web.pod').ports.map(({ host, ip, protocol }) => [host, ip, protocol]),
    [
      [[8080, 8080], undefined, 'tcp'],
      [[8443, 8443], '127.0.0.1', 'tcp'],
    ],
  );
  assert.deepEqual(names(needs('full.kube').files), [
    ...['/etc/containers/systemd/one.yaml', '/etc/opt/two.yaml', '/etc/opt/full.yaml'],
  ]);
  assert.deepEqual(needs('named.container').networks, []);
  assert.deepEqual(needs('nethost.container').networks, []);
  assert.deepEqual(names(needs('full.build').volumes), ['data.volume']);
  assert.deepEqual(needs('backup.timer').images, []);
});

test('places lead to the value', () => {
  const { secrets } = needs('secrets.container');
  const three = secrets.find(({ name }) => name === 'three')!;
  const line = corpus.get('secrets.container')!.split('\n')[three.place.line - 1]!;
  assert.ok(line.slice(three.place.column - 1).startsWith('three,type=env'));
});

test('drop-ins are taken as the generator takes them', () => {
  assert.deepEqual(dropInFolders('web-app@a.container'), [
    ...[
      'web-app@a.container.d',
      'web-app@.container.d',
      'web-@.container.d',
      'web-.container.d',
      'container.d',
    ],
  ]);
  const values = (name: string, key: string) =>
    all(units.get(name)!, 'Container', key).map(({ value }) => value);
  assert.deepEqual(values('dropped.container', 'Image').at(-1), 'docker.io/library/busybox:1.37');
  assert.deepEqual(values('dropped.container', 'Environment'), ['MORE=1 AGAIN=2']);
  assert.deepEqual(values('web-front.container', 'Label'), ['family=web']);
  assert.deepEqual(values('tmpl@6501.container', 'Environment'), ['FROM=template']);
  assert.deepEqual(values('reset.container', 'Volume'), ['/srv/b:/b']);
});

test('names of services and of what Podman makes', () => {
  const of = (name: string) => [units.get(name)!.service, resourceName(units.get(name)!)];
  assert.deepEqual(of('grafana.container'), ['grafana.service', 'grafana']);
  assert.deepEqual(of('tiny.container'), ['tiny.service', 'systemd-tiny']);
  assert.deepEqual(of('named.container'), ['the-service.service', 'the-name']);
  assert.deepEqual(of('data.volume'), ['data-volume.service', 'systemd-data']);
  assert.deepEqual(of('web.pod'), ['web-pod.service', 'web']);
  assert.deepEqual(of('tmpl@6501.container'), ['tmpl@6501.service', 'systemd-tmpl_6501']);
  assert.deepEqual(of('tmpl@.volume'), ['tmpl@-volume.service', undefined]);
  assert.deepEqual(of('backup.timer'), ['backup.timer', undefined]);
  assert.equal(expandSpecifiers('a%%b %N', readUnitName('x.container'), 'x'), 'a%b x');
  assert.equal(expandSpecifiers('%H', readUnitName('x.container'), 'x'), undefined);
  assert.ok(isRun(readUnitName('a.container')) && isRun(readUnitName('a.timer')));
  assert.ok(!isRun(readUnitName('a@.container')) && !isRun(readUnitName('a.volume')));
  assert.ok(!isRun(readUnitName('a.container.d/x.conf')));
});
