import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { pathPatternSchema } from '../../../schema/trust/path-pattern.ts';
import { judgePath, matchesPath, reachesNever } from '../../../schema/trust/paths.ts';

test('a pattern covers what is below it, and nothing beside it', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['/etc/opt/**', '/etc/opt/a', true],
    ['/etc/opt/**', '/etc/opt/a/b.conf', true],
    ['/etc/opt/**', '/etc/opt', false],
    ['/etc/opt/**', '/etc/optional/a', false],
    ['/etc/opt/*', '/etc/opt/a', true],
    ['/etc/opt/*', '/etc/opt/a/b', false],
    ['/etc/*/x.conf', '/etc/a/x.conf', true],
    ['/etc/*/x.conf', '/etc/a/xyconf', false],
    ['/etc/**/x', '/etc/a/b/x', true],
    ['/etc/**/x', '/etc/x', false],
    ['/etc/a+b.c', '/etc/a+b.c', true],
    ['/etc/a+b.c', '/etc/aab.c', false],
    ['/etc/x', '/etc/x/y', false],
    ['/etc/x', '/var/etc/x', false],
  ];
  for (const [pattern, path, fits] of cases)
    assert.equal(matchesPath(pattern, path), fits, `${pattern} ${path}`);
});

test('patterns have one form', () => {
  for (const good of ['/etc/**', '/a', '/etc/opt/*.conf', '/srv/a-b_c@1/**']) {
    assert.ok(v.is(pathPatternSchema, good), good);
  }
  const bad = [
    '',
    '/',
    'etc',
    '/etc/',
    '/etc//x',
    '/../x',
    '/etc/./x',
    '/etc/a**',
    '/etc/***',
    '/e tc',
    '/etc/[a]',
    '/a\n',
  ];
  for (const one of bad) assert.ok(!v.is(pathPatternSchema, one), JSON.stringify(one));
});

test('threat 31: a grant of everything does not reach what judges releases, or who becomes root', () => {
  const everything = ['/**'];
  const never = [
    '/etc/writ/trust.jws',
    '/etc/writ-relay/config.json',
    '/var/lib/writ-relay/journal',
    '/var/lib/writ-target/state.json',
    '/usr/lib/writ-target/secrets',
    '/run/writ-target/files/etc/opt/x',
    '/etc/systemd/system/sysinit.target.d/50-writ-secrets.conf',
    '/usr/lib/writ-relay/writ-relay.cjs',
    '/usr/lib/systemd/system/writ-relay.service',
    '/etc/systemd/system/writ-relay.service',
    '/etc/systemd/system/writ-relay.service.d/10.conf',
    '/etc/systemd/system/multi-user.target.wants/writ-relay.service',
    '/etc/systemd/system/writ-relay.service.requires/x.service',
    '/etc/systemd/system/sysinit.target.requires/writ-relay.service',
    '/etc/systemd/system/service.d/10-all.conf',
    '/etc/systemd/system.control/writ-relay.service.d/50-x.conf',
    '/etc/systemd/system.attached/writ-relay.service',
    '/etc/systemd/system/socket.d/10-all.conf',
    '/etc/systemd/system.conf',
    '/etc/systemd/system.conf.d/10-env.conf',
    '/etc/systemd/system-environment-generators/x',
    '/usr/share/containers/systemd/writ-relay.container',
    '/run/containers/systemd/writ-relay.container',
    '/etc/systemd/system-generators/x',
    '/usr/local/lib/systemd/system/writ-relay.service',
    '/etc/containers/systemd/writ-relay.container',
    '/etc/containers/systemd/a/writ-relay.container',
    '/etc/containers/systemd/writ-relay.container.d/10.conf',
    '/run/systemd/generator.early/writ-relay.service',
    '/usr/bin/writ-relay',
    '/etc/sudoers',
    '/etc/sudoers.d/x',
    '/etc/pam.d/su',
    '/etc/passwd',
    '/etc/passwd-',
    '/etc/shadow',
    '/etc/ssh/sshd_config.d/x.conf',
    '/root/.ssh/authorized_keys',
    '/home/me/.ssh/authorized_keys',
    '/home/run/.ssh/authorized_keys',
    '/etc/apt/sources.list.d/x.sources',
    '/etc/cron.d/x',
    '/etc/crontab',
    '/etc/ld.so.preload',
    '/etc/pve/storage.cfg',
    '/etc/pve/nodes/pve1/qemu-server/100.conf',
    '/proc/sys/kernel/core_pattern',
    '/lib/systemd/system/writ-relay.service',
    '/bin/writ-relay',
    '/var/run/systemd/system/x.service',
    '/etc/systemd/system/ssh.service',
    '/etc/systemd/system/ssh.service.d/10.conf',
    '/etc/systemd/system/sshd@.service',
    '/etc/systemd/system/pveproxy.service.d/10.conf',
    '/etc/systemd/system/pve-container@.service',
    '/etc/containers/systemd/ssh.container',
    '/etc/containers/systemd/apps/sshd.container.d/10.conf',
  ];
  for (const path of never) assert.equal(judgePath(everything, path), 'path_never', path);
  for (const path of [
    '/etc/opt/a',
    '/etc/containers/systemd/x.container',
    '/srv/x',
    '/etc/haproxy/haproxy.cfg',
    '/etc/containers/systemd/pve-exporter.container',
    '/etc/systemd/system/ssh-tunnel.service',
    '/var/runner/x',
    '/home/var/run/.ssh/x',
  ]) {
    assert.equal(judgePath(everything, path), 'allowed', path);
  }
});

test('threat 31: what no pattern covers is not granted', () => {
  assert.equal(judgePath([], '/etc/opt/a'), 'path_not_granted');
  assert.equal(judgePath(['/etc/opt/**'], '/etc/haproxy/haproxy.cfg'), 'path_not_granted');
  assert.equal(judgePath(['/etc/opt/**', '/etc/haproxy/*'], '/etc/haproxy/haproxy.cfg'), 'allowed');
});

test('threat 31: whoever may write a folder may write what is in it', () => {
  for (const path of [
    '/',
    '/etc',
    '/etc/systemd',
    '/etc/systemd/system',
    '/etc/containers/systemd',
    '/etc/containers/systemd/apps',
    '/etc/ssh',
    '/etc/ssh/sshd_config',
    '/etc/passwd',
    '/var/lib',
    '/var/lib/writ-relay',
    '/home',
    '/home/me',
    '/home/me/.ssh',
    '/root',
    '/home/dev/.ssh',
    '/run',
    '/var/run',
    '/lib/systemd',
    '/boot',
  ]) {
    assert.equal(reachesNever(path), true, path);
  }
  for (const path of [
    '/etc/opt',
    '/etc/haproxy',
    '/srv',
    '/var/lib/homeassistant',
    '/home/me/data',
    '/run/dbus',
    '/etc/profile/x',
    '/dev',
    '/dev/dri',
    '/proc',
    '/sys',
    '/sys/fs/cgroup',
  ]) {
    assert.equal(reachesNever(path), false, path);
  }
});

test('a pattern has ** three times at most', () => {
  for (const [count, fits] of [
    [1, true],
    [3, true],
    [4, false],
    [40, false],
  ] as const) {
    const read = v.safeParse(pathPatternSchema, '/**'.repeat(count));
    assert.equal(read.success, fits, String(count));
    if (!fits) assert.match(read.issues?.[0].message ?? '', /three times at most/);
  }
});
