import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { judgeUnit, unitNameOf } from '../../../schema/trust/judge-unit.ts';

const say = (name: string, text: string): string | null => judgeUnit(name, text)?.code ?? null;
const container = (line: string): string | null => say('web.container', `[Container]\n${line}\n`);

describe('a unit of a release', () => {
  test('is what lies in a folder that Podman or systemd reads', () => {
    for (const [path, name] of [
      ['/etc/containers/systemd/web.container', 'web.container'],
      ['/etc/containers/systemd/apps/web.container.d/10.conf', 'apps/web.container.d/10.conf'],
      ['/etc/systemd/system/job.timer', 'job.timer'],
      ['/usr/local/lib/systemd/system/job.timer', 'job.timer'],
      ['/etc/opt/web.container', null],
      ['/etc/systemd/user/x.service', null],
    ] as const) {
      assert.equal(unitNameOf(path), name, path);
    }
  });

  test('threat 31: gives itself no name of Writ’s own units, and stops none', () => {
    for (const line of [
      'Alias=writ-relay.service',
      'Alias=web.service writ-relay.service',
      'Alias="writ-relay.service"',
      'Alias=wr"it"-relay.service',
      'ServiceName=writ-relay',
      'Conflicts=writ-relay.service',
      'RequiredBy=writ-relay.service',
      'WantedBy=multi-user.target writ-relay.service',
      'OnFailure=writ-relay.service',
      'PropagatesStopTo=writ-relay.service',
      'JoinsNamespaceOf=writ-relay.service',
      'Unit=writ-relay.service',
      'Service=writ-relay-act.service',
      'Alias=%j-relay.service',
      'Alias=w%i',
      'ServiceName=%p',
      'Conflicts=writ\\\n-relay.service',
      // systemctl(1), disable, of systemd 252: takes the links of writ-relay.service away.
      'Also=wr\\it-relay.service',
      'Alias=ssh.service',
      'ServiceName=pveproxy',
      'Conflicts=sshd.service',
    ]) {
      const found = [say('web.container', `[Install]\n${line}\n`), say('web.service', `[Unit]\n${line}\n`)];
      assert.ok(found.includes('unit_takes_place'), line);
    }
    assert.equal(say('web.container.d/10.conf', '[Container]\nServiceName=writ-relay\n'), 'unit_takes_place');
    assert.equal(say('web.service', '[Unit]\nDescription=a\0\nAlias=x.service\n'), 'unit_takes_place');
  });

  test('may be ordered by Writ’s units, and speak of them', () => {
    for (const line of [
      'After=writ.service',
      'Wants=writ.service',
      'BindsTo=writ.service',
      'Description=writ-relay.service is another one',
      'Alias=web-app.service',
      'WantedBy=multi-user.target',
      'OnFailure=notify@%n.service',
      'Conflicts=other.service rewrite.service',
      'Alias=pve-exporter.service ssh-tunnel.service',
      'Also=a\\x2db.socket',
      'ListenStream=/run/web.sock',
      'ListenStream=8080',
      '# Alias=writ-relay.service',
    ]) {
      assert.equal(say('web.service', `[Unit]\n${line}\n`), null, line);
    }
  });

  test('threat 31: opens to its container nothing that no release may touch', () => {
    for (const line of [
      'Volume=/etc/pve:/x',
      'Volume=/etc/pve:/x:Z',
      'Volume="/etc/pve:/x"',
      'Volume=/var/lib/writ-relay:/x',
      'Volume=/var/lib/writ-relay/journal:/x',
      'Volume=/:/host',
      'Volume=/etc:/x',
      'Volume=/var/lib:/x',
      'Volume=/srv/../etc/ssh:/x',
      'Volume=//etc//ssh/:/x',
      'Volume=/root:/x',
      'Volume=/home/me:/x',
      'Volume=/run/systemd:/x',
      'Volume=%E/ssh:/x',
      'Volume=%S/writ-relay:/x',
      'Volume=%h/.ssh:/x',
      'Volume=/etc/%i:/x',
      'Volume=/etc/ss%i:/x',
      'Volume=%u/x:/x',
      'Mount=type=bind,source=/etc/pve,target=/x',
      'Mount=type=bind,src=/etc/pve,target=/x,ro=false',
      'PodmanArgs=--volume=/etc/pve:/x',
      'PodmanArgs=-itv /etc/pve:/x',
      'Rootfs=/',
      'Volume=/lib/systemd/system:/x',
      'Volume=/var/run:/x',
      'ListenStream=/run/writ-relay/act.sock',
      'Symlinks=/var/run/writ-relay/act.sock',
      'PodmanArgs=-v /etc/pve:/x',
      'PodmanArgs=-v/etc/pve:/x',
      'PodmanArgs=--mount type=bind,source=/etc/pve,target=/x',
      'GlobalArgs=-v /etc/pve:/x',
    ]) {
      assert.equal(container(line), 'unit_opens_never', line);
    }
    assert.equal(say('x.volume', '[Volume]\nType=none\nOptions=bind\nDevice=/etc/pve\n'), 'unit_opens_never');
    assert.equal(say('x.mount', '[Mount]\nWhat=/srv/x\nWhere=/var/lib/writ-relay\n'), 'unit_opens_never');
    for (const line of [
      'StateDirectory=writ-relay',
      'StateDirectory=a b:writ-relay',
      'ConfigurationDirectory=ssh',
      'RuntimeDirectory=systemd',
    ]) {
      assert.equal(say('web.service', `[Service]\nUser=web\n${line}\n`), 'unit_opens_never', line);
    }
  });

  test('opens what an app needs', () => {
    for (const line of [
      'Volume=/:/host:ro,rslave',
      'Volume=/etc/ssh:/x:ro',
      'Volume=data.volume:/data:U',
      'Volume=data:/data',
      'Volume=/srv/films:/films',
      'Volume=/srv/%i/films:/films',
      'Volume=/etc/opt/web:/www',
      'Volume=/var/lib/homeassistant:/config',
      'Volume=/dev/dri:/dev/dri',
      'Volume=/sys/fs/cgroup:/sys/fs/cgroup',
      'Volume=/run/dbus:/run/dbus',
      'Volume=/x',
      'Mount=type=bind,source=/etc/pve,target=/x,ro=true',
      'Mount=type=bind,source=/etc/pve,target=/x,readonly',
      'Mount=type=tmpfs,target=/x',
      'Mount=type=image,source=busy,target=/x',
      'PodmanArgs=--pid=host -v /etc/ssh:/x:ro',
      'PodmanArgs=--verbose /etc/pve',
    ]) {
      assert.equal(container(line), null, line);
    }
    assert.equal(say('x.volume', '[Volume]\nType=nfs\nDevice=192.0.2.1:/films\n'), null);
    assert.equal(say('x.container', '[Container]\nAddDevice=/dev/dri\nDevice=/etc/pve\n'), null);
    assert.equal(
      say('x.service', '[Service]\nStateDirectory=web\nExecStart=/bin/sh -c "write /etc/pve"\n'),
      null,
    );
  });

  test('of the example’s home is none of these', () => {
    const root = join(import.meta.dirname, '../../../examples');
    const files = globSync('**/*.{container,volume,network,service,timer,socket}', { cwd: root });
    assert.ok(files.length > 20);
    for (const file of files) {
      const fault = judgeUnit(basename(file), readFileSync(join(root, file), 'utf8'));
      assert.equal(fault, null, `${file}: ${fault?.detail}`);
    }
  });
});
