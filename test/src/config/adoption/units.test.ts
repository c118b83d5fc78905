import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, home, homelab, image } from './built.ts';
import { rows } from './rows.ts';

test(rows.native, async () => {
  const unit = `# Mine
[Unit]
Description=Grafana

[Container]
${image}ContainerName=grafana
Network=websvcs.network:ip=10.89.1.20
AddCapability=NET_BIND_SERVICE
Environment=A=1 B="two words" \\
            # and why
            'C=three "quoted" words'
Exec=sh -c "echo $$HOME %%d"
PodmanArgs=--cpus=1

[Install]
WantedBy=multi-user.target
`;
  const tree = {
    'apps/net/app.yaml': 'on: websvcs\nunits: [websvcs.network]\n',
    'apps/net/websvcs.network': '[Network]\nNetworkName=websvcs\nSubnet=10.89.1.0/24\n',
    'apps/grafana/app.yaml': 'on: websvcs\nunits: [grafana.container]\n',
    'apps/grafana/grafana.container': unit,
    'apps/other/app.yaml': 'on: websvcs\nunits: [other.container]\n',
    'apps/other/other.container': container('Network=websvcs.network', 'IP=10.89.1.21'),
  };
  const { told, text, app } = await home(tree);
  assert.deepEqual(told, []);
  assert.equal(text('websvcs', '/etc/containers/systemd/grafana.container'), unit);
  assert.deepEqual(app('websvcs', 'net').units, [
    { service: 'websvcs-network.service', files: ['websvcs.network'], kind: 'resource' },
  ]);
  const twice = await home({
    ...tree,
    'apps/other/other.container': container('Network=websvcs.network', 'IP=10.89.1.20'),
  });
  assert.deepEqual(twice.told, [
    'apps/other/other.container:4 error address_twice: apps/grafana/grafana.container has 10.89.1.20 already',
  ]);
  // The network may be the machine's own, by the name that homelab.yaml gives it.
  const alone = { 'apps/x/app.yaml': 'on: homesvcs\nunits: [x.container]\n' };
  const named = { ...alone, 'apps/x/x.container': container('Network=homesvcs') };
  const owned = homelab.replace('vmid: 102', 'vmid: 102, containers: { network: homesvcs }');
  const unknown = /unknown_network/;
  assert.match((await home(named)).told.join(), unknown);
  assert.doesNotMatch((await home({ ...named, 'homelab.yaml': owned })).told.join(), unknown);
});

test(rows.model, async () => {
  const { told, text } = await home({
    'apps/traefik/app.yaml': 'on: secsvcs\nroute: { host: proxy, port: 8080, service: api@internal }\n',
    'apps/graf/app.yaml':
      'on: secsvcs\nunits: [graf.container]\nroute: { host: [graph, g], port: 3000 }\nhealth: { path: /api/health, within: 30s }\ncommands: { reload: { exec: [systemctl, reload, graf] } }\n',
    'apps/graf/graf.container': container(),
    'apps/wiki/app.yaml': 'on: websvcs\nroute: { host: wiki, port: 80, via: secsvcs }\n',
    'apps/page/app.yaml': 'on: homesvcs\nfiles: [{ from: page.j2, to: /etc/opt/page }]\n',
    'apps/page/page.j2': `{% for name, guest in home.guests.items() -%}
{{ name }} {{ guest.address }} on {{ home.hosts[guest.host].address }}: {% for r in home.routes if r.target == name %}{{ r.hosts | join(' ') }} {% endfor %}
{% endfor -%}
{% for i in home.instances if home.apps[i.app].file.health is defined and i.app in home.guests[i.target].apps -%}
{%- for r in home.routes if r.app == i.app and r.target == i.target %}health https://{{ r.hosts[0] }}{{ home.apps[i.app].file.health.path }}
{% endfor -%}{% endfor -%}
{% for name, command in home.apps.graf.file.commands.items() %}{{ name }}: {{ command.exec | join(' ') }}
{% endfor -%}
{% for r in home.routes if r.app == 'wiki' %}proxy of wiki: {{ home.guests[r.proxy].address }}{% endfor %}
`,
  });
  assert.deepEqual(told, []);
  assert.equal(
    text('homesvcs', '/etc/opt/page'),
    `homesvcs 192.168.20.12 on 192.168.20.1: 
secsvcs 192.168.20.11 on 192.168.20.1: g.example.net graph.example.net proxy.example.net 
websvcs 192.168.20.13 on 192.168.20.2: wiki.example.net 
health https://g.example.net/api/health
reload: systemctl reload graf
proxy of wiki: 192.168.20.11
`,
  );
});

test(rows.volumes, async () => {
  const { told, app, part } = await home({
    'apps/db/app.yaml':
      'on: websvcs\nunits: [db.container, dbdata.volume]\ndirs: [{ path: /var/opt/db, owner: 70 }]\nbackup: { volumes: [dbdata], paths: [/var/opt/db], stop: true }\n',
    'apps/db/db.container': container(
      'Volume=dbdata.volume:/data',
      'Volume=shared:/shared',
      'Volume=/var/opt/db:/state',
    ),
    'apps/db/dbdata.volume': '[Volume]\nVolumeName=dbdata\n',
  });
  assert.deepEqual(told, []);
  assert.deepEqual(app('websvcs', 'db').units, [
    { service: 'db.service', files: ['db.container'], kind: 'run' },
    { service: 'dbdata-volume.service', files: ['dbdata.volume'], kind: 'resource' },
  ]);
  assert.deepEqual(app('websvcs', 'db').dirs, [{ path: '/var/opt/db', mode: '0755', owner: '70:70' }]);
  assert.deepEqual(app('websvcs', 'db').backup, { volumes: ['dbdata'], paths: ['/var/opt/db'], stop: true });
  assert.equal(part('websvcs').relay, 'pve2');
});

test(rows.order, async () => {
  const { told, app } = await home({
    'apps/web/app.yaml': 'on: secsvcs\nunits: [web.container]\nuses: [db, { app: cache, after: false }]\n',
    'apps/web/web.container': container(),
    'apps/db/app.yaml': 'on: secsvcs\nunits: [db.container]\nuses: [{ app: disk, on: secsvcs }]\n',
    'apps/db/db.container': container(),
    'apps/disk/app.yaml': 'on: [secsvcs, websvcs]\nunits: [disk.container]\n',
    'apps/disk/disk.container': container(),
    'apps/cache/app.yaml': 'on: websvcs\nunits: [cache.container]\n',
    'apps/cache/cache.container': container(),
  });
  assert.deepEqual(told, []);
  // They are started after these, and so stopped before them.
  assert.deepEqual(
    ['web', 'db', 'disk'].map((name) => app('secsvcs', name).after),
    [['db'], ['disk'], []],
  );
});

test(rows.several, async () => {
  const { told, text, files } = await home({
    'vars.yaml': 'level: info\nport: 1\n',
    'apps/agent/app.yaml': `on:
  - guest: websvcs
    vars: { port: 3 }
    units: [gpu.container]
    files: [{ from: extra.conf, to: /etc/opt/agent/extra.conf }]
    artifacts:
      - url: https://example.com/agent-amd64
        sha256: ${'a'.repeat(64)}
        to: /usr/local/bin/agent
        mode: "0755"
  - secsvcs
  - pve1
vars: { port: 2 }
units: [agent.container.j2]
files: [{ from: agent.ini.j2, to: /etc/opt/agent/agent.ini }]
`,
    'apps/agent/agent.container.j2': `[Container]\n${image}PublishPort={{ port }}:80\n`,
    'apps/agent/gpu.container': container('AddDevice=/dev/dri'),
    'apps/agent/agent.ini.j2': '{{ target.name }} {{ level }} {{ port }}\n',
    'apps/agent/extra.conf': 'x\n',
  });
  assert.deepEqual(told, []);
  assert.deepEqual(
    ['secsvcs', 'websvcs', 'pve1'].map((target) => text(target, '/etc/opt/agent/agent.ini')),
    ['secsvcs info 2\n', 'websvcs info 3\n', 'pve1 info 2\n'],
  );
  assert.deepEqual(
    ['secsvcs', 'websvcs'].map((target) => files(target, 'agent')),
    [
      [
        '/etc/containers/systemd/agent.container 0644 root:root unit',
        '/etc/opt/agent/agent.ini 0644 root:root',
      ],
      [
        '/etc/containers/systemd/agent.container 0644 root:root unit',
        '/etc/containers/systemd/gpu.container 0644 root:root unit',
        '/etc/opt/agent/agent.ini 0644 root:root',
        '/etc/opt/agent/extra.conf 0644 root:root',
      ],
    ],
  );
  assert.match(text('websvcs', '/etc/containers/systemd/agent.container'), /^PublishPort=3:80$/m);
});

test(rows.running, async () => {
  const { told, text, files, app } = await home({
    'apps/web/app.yaml': 'on: secsvcs\nunits: [web.container, web.timer, webdata.volume]\n',
    'apps/web/web.container': container('Volume=webdata.volume:/data'),
    'apps/web/web.timer': '[Timer]\nOnCalendar=daily\n',
    'apps/web/webdata.volume': '[Volume]\n',
    'apps/watch/app.yaml':
      'on: secsvcs\nservice: watch.service\nfiles: [{ from: units.j2, to: /etc/opt/watch/units, owner: "911:1000" }]\ndirs: [{ path: /var/opt/watch, mode: "0750", owner: "911:1000" }]\n',
    'apps/watch/units.j2':
      '{% for i in home.instances if i.target == target.name %}{% for s in i.services %}{{ s }}\n{% endfor %}{% endfor %}',
  });
  assert.deepEqual(told, []);
  assert.equal(text('secsvcs', '/etc/opt/watch/units'), 'watch.service\nweb.service\nweb.timer\n');
  assert.deepEqual(files('secsvcs', 'watch'), ['/etc/opt/watch/units 0644 911:1000']);
  assert.deepEqual(app('secsvcs', 'watch').dirs, [
    { path: '/var/opt/watch', mode: '0750', owner: '911:1000' },
  ]);
});

test(rows.devices, async () => {
  const gpu = container(
    'AddDevice=nvidia.com/gpu=all',
    'AddDevice=/dev/dri/renderD128',
    'PodmanArgs=--gpus=all',
    'Volume=/mnt/media:/media:ro',
    'GroupAdd=keep-groups',
  );
  const guests = [
    '  gaming: { host: pve2, vmid: 201, exclusive: [gpu0] }',
    '  devtop: { host: pve2, vmid: 202, exclusive: [gpu0] }',
    'access:',
  ];
  const { told, text, files } = await home({
    'homelab.yaml': homelab.replace('access:', guests.join('\n')),
    'apps/media/app.yaml': 'on: websvcs\nunits: [media.container]\n',
    'apps/media/media.container': gpu,
    'apps/guard/app.yaml':
      'on: pve2\nfiles: [{ generate: proxmox/hookscript, to: /var/lib/vz/snippets/exclusive.sh, mode: "0755", on_change: none }]\n',
  });
  assert.deepEqual(told, []);
  assert.equal(text('websvcs', '/etc/containers/systemd/media.container'), gpu);
  assert.deepEqual(files('pve2', 'guard'), ['/var/lib/vz/snippets/exclusive.sh 0755 root:root none']);
  // It is run for real by the tests of the generator.
  assert.match(
    text('pve2', '/var/lib/vz/snippets/exclusive.sh'),
    /^201\) # gaming\n {2}free qm 202 devtop gpu0$/m,
  );
});
