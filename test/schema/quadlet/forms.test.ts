import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf } from '../../../schema/quadlet/forms.ts';
import { parseImage } from '../../../schema/quadlet/image.ts';
import { cidrsOverlap, holds, parseCidr, parseIp } from '../../../schema/quadlet/ip.ts';
import { parseMount, parseVolume } from '../../../schema/quadlet/mount.ts';
import { parsePublish, portsClash } from '../../../schema/quadlet/port.ts';

/** What `podman create` and `podman network create` of Podman 5.4.2 on Debian 13 said to these values. */
const verdicts: Readonly<Record<string, { takes: readonly string[]; refuses: readonly string[] }>> = {
  'Container.PublishPort': {
    takes: ['80', ':80', '80:80/TCP', '[::1]::53', '[::1]:5353:53/udp', '8000-8002:80-82', '127.0.0.1::80'],
    refuses: [
      ...['80:80/tcp,udp', '0:80', '80800:80', '[::1]:53', '8000-8002:80-81', '80:80/foo', '1.2.3.4:80'],
      ...['localhost:80:80', 'http:80', '1:2:3:4', '80-70:80-70', '80/tcp/udp'],
    ],
  },
  'Container.ExposeHostPort': { takes: ['80', '80/sctp', '80-90/udp'], refuses: ['x80', '80-70'] },
  'Container.ShmSize': { takes: ['64M', '64mb', '1gib', '0'], refuses: ['64x', 'big'] },
  'Container.HealthInterval': { takes: ['1m30s', 'disable', '0.5s'], refuses: ['30', '1d'] },
  'Container.HealthTimeout': { takes: ['5s'], refuses: ['1d', 'disable'] },
  'Container.HealthMaxLogSize': { takes: ['500'], refuses: ['1k'] },
  'Container.HealthOnFailure': { takes: ['none', 'kill', 'restart', 'stop'], refuses: ['foo'] },
  'Container.Ulimit': {
    takes: ['nofile=10', 'host', 'nofile=-1', 'nofile=-1:-1', 'nofile=5:10'],
    refuses: ['nofile=10:5', 'nofile=unlimited', 'foo=1'],
  },
  'Container.UIDMap': { takes: ['0:1', '+0:1:1', 'u0:1:1', '0:@1:1', '0:0:1'], refuses: ['0', '@0:1:1'] },
  'Container.AddHost': { takes: ['a:host-gateway', 'a:::1', 'a:1.2.3.4'], refuses: ['a', 'a:b', 'a:[::1]'] },
  'Container.DNS': { takes: ['none', '1.1.1.1', 'fd00::1'], refuses: ['foo'] },
  'Network.DNS': { takes: ['1.1.1.1'], refuses: ['foo', 'none'] },
  'Container.IP': { takes: ['10.88.0.5'], refuses: ['foo'] },
  'Container.ContainerName': { takes: ['a', 'a.b-c_d'], refuses: ['my app', '-x'] },
  'Container.PidsLimit': { takes: ['-1', '0', '200'], refuses: ['x'] },
  'Container.StopTimeout': { takes: ['0', '20'], refuses: ['-1', '1s'] },
  'Container.Pull': { takes: ['newer', 'never'], refuses: ['sometimes'] },
  'Container.CgroupsMode': { takes: ['split', 'no-conmon'], refuses: ['foo'] },
  'Container.LogDriver': { takes: ['json-file', 'journald', 'none'], refuses: ['foo', 'syslog'] },
  'Container.Secret': {
    takes: ['a', 'a,type=env,target=X', 'a,mode=0400,uid=1'],
    refuses: ['a,foo=1', 'a,type=foo', ''],
  },
  'Container.Sysctl': { takes: ['a.b=1'], refuses: ['net.core.somaxconn'] },
  'Container.Tmpfs': { takes: ['/run', '/run:size=1m'], refuses: ['run'] },
  'Container.AddCapability': { takes: ['net_admin', 'CAP_SYS_TIME', 'all'], refuses: ['net admin', '1'] },
  'Network.Subnet': { takes: ['10.6.0.0/24', 'fd00::/64'], refuses: ['10.6.0.0/33', '10.6.0.0', 'x'] },
  'Network.IPRange': { takes: ['10.5.0.10-10.5.0.20', '10.5.0.0/25'], refuses: ['10.5.0.10-', 'x'] },
  'Network.IPAMDriver': { takes: ['dhcp', 'none', 'host-local'], refuses: ['foo'] },
  'Network.NetworkName': { takes: ['a'], refuses: ['a b'] },
  'Volume.VolumeName': { takes: ['a'], refuses: ['a b', 'ab/c'] },
};

test('values are judged as Podman judges them', () => {
  for (const [key, { takes, refuses }] of Object.entries(verdicts)) {
    const [section = '', name = ''] = key.split('.');
    const form = formOf(section, name);
    assert.ok(form !== undefined, key);
    for (const value of takes) assert.equal(form(value), null, `${key}=${value}`);
    for (const value of refuses) assert.ok(form(value) !== null, `${key}=${value}`);
  }
  assert.equal(formOf('Network', 'Subnet')!('10.1.0.5/24')?.warning, true);
});

test('references of images are read as Podman reads them', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const good of [
    'docker.io/a_b/c',
    'docker.io/a__b/c',
    'docker.io/a-b.c_d/e:v1',
    `q.io/x@${digest}`,
    'x',
  ]) {
    assert.equal(typeof parseImage(good), 'object', good);
  }
  const bad = [
    ...['Foo/bar', 'docker.io/Foo/bar', 'docker.io/foo/bar:', 'docker.io/foo/bar:a/b', 'docker.io//x'],
    ...['docker.io/a..b/c', 'docker.io/foo@sha256:abc', '', 'a@b@c'],
  ];
  for (const text of bad) assert.equal(typeof parseImage(text), 'string', text);
  assert.deepEqual(parseImage(`r.example.net:5000/a/b:1@${digest}`), {
    registry: 'r.example.net:5000',
    repository: 'a/b',
    tag: '1',
    digest,
  });
  assert.equal(parseImage('0'.repeat(64)), null);
  assert.equal(parseImage('oci-archive:/x.tar'), null);
});

test('addresses and subnets of both versions', () => {
  for (const good of ['10.0.0.1', '::', '::1', 'fd00::1:2', '1:2:3:4:5:6:7:8', '::ffff:10.0.0.1']) {
    assert.ok(parseIp(good) !== null, good);
  }
  for (const bad of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    'g::',
    '12345::',
  ]) {
    assert.equal(parseIp(bad), null, bad);
  }
  assert.equal(parseIp('::1')!.value, 1n);
  assert.equal(parseIp('fd00::')!.value, 0xfd00n << 112n);
  const [wide, narrow] = [parseCidr('10.0.0.0/8')!, parseCidr('10.9.0.0/16')!];
  assert.ok(cidrsOverlap(wide, narrow) && cidrsOverlap(narrow, wide));
  assert.ok(!cidrsOverlap(wide, parseCidr('fd00::/8')!));
  assert.ok(holds(narrow, parseIp('10.9.255.255')!) && !holds(narrow, parseIp('10.10.0.0')!));
});

test('ports clash by address, protocol and range', () => {
  const clash = (a: string, b: string) => {
    const [left, right] = [parsePublish(a), parsePublish(b)];
    assert.ok(typeof left !== 'string' && typeof right !== 'string');
    return portsClash(left, right);
  };
  assert.ok(clash('80:80', '127.0.0.1:80:8080'));
  assert.ok(clash('8000-8010:1-11', '8010:80'));
  assert.ok(!clash('80:80', '80:80/udp'));
  assert.ok(!clash('127.0.0.1:80:80', '127.0.0.2:80:80'));
  assert.ok(!clash('80', '80'));
  assert.ok(clash('[::]:80:80', '[::1]:80:80'));
});

test('volumes and mounts are taken apart', () => {
  assert.deepEqual(parseVolume('a:/b:ro,z'), {
    source: 'a',
    target: '/b',
    targetOffset: 2,
    options: ['ro', 'z'],
  });
  assert.deepEqual(parseVolume('/b'), { source: '', target: '/b', targetOffset: 0, options: [] });
  const mount = parseMount('type=bind,"source=/a,b",dst=/c,ro');
  assert.deepEqual([mount?.type, mount?.source, mount?.target], ['bind', '/a,b', '/c']);
  assert.equal(parseMount('source=/a,target=/b'), null);
  assert.equal(parseMount('type=bind,a"b'), null);
  assert.equal(parseMount('type=bind,source')?.source, null);
});
