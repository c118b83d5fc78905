import type { GivenTree } from '../../../support/adopt-fixture.ts';

const image = (name: string): string => `Image=docker.io/library/${name}:1`;

/** A guest's tree as `tar -C / -c etc srv` gives it: mounted configs, a pod, a template, timers, drop-ins, owners. */
export const machineTree: GivenTree = {
  etc: { text: null },
  'etc/opt': { text: null },
  'etc/opt/grafana': { text: null, mode: 0o750, uid: 0, gid: 472 },
  'etc/opt/grafana/plugins': { text: null, uid: 472, gid: 472 },
  'etc/containers/systemd/home.network': '[Network]\nSubnet=10.89.0.0/24\n',
  'etc/containers/systemd/grafana.container': [
    '# written in 2019',
    '[Unit]',
    'Description=Grafana',
    'After=postgres.service',
    '[Container]',
    image('grafana'),
    'Network=home.network',
    'Volume=grafanadata.volume:/var/lib/grafana',
    'Volume=/etc/opt/grafana/grafana.ini:/etc/grafana/grafana.ini:ro',
    'Volume=/etc/opt/grafana/plugins:/plugins',
    'Secret=GF_OIDC,type=env',
    'Label=traefik.enable=true "traefik.http.routers.g.rule=Host(`graph.example.net`)"',
    'Label=traefik.http.services.g.loadbalancer.server.port=3000',
    '',
  ].join('\n'),
  'etc/containers/systemd/grafana.container.d/10-limits.conf': '[Service]\nMemoryMax=1G\n',
  'etc/containers/systemd/grafanadata.volume': '[Volume]\n',
  'etc/opt/grafana/grafana.ini': { text: '[server]\nroot_url = https://x\n', mode: 0o640, gid: 472 },
  'etc/opt/grafana/provisioning/dashboards/all.yml': { text: 'apiVersion: 1\n', mode: 0o640, gid: 472 },
  'etc/opt/grafana/logo.svg.j2': { text: '<svg>{{ not a template }}</svg>\n', mode: 0o640, gid: 472 },
  'etc/opt/grafana/notes': 'by hand\n',
  'etc/containers/systemd/postgres.container': [
    '[Container]',
    image('postgres'),
    'Network=home.network',
    'Volume=pgdata.volume:/var/lib/postgresql/data',
    'Secret=postgres_password,type=env,target=POSTGRES_PASSWORD',
    'EnvironmentFile=/etc/opt/postgres/postgres.env',
    '',
  ].join('\n'),
  'etc/containers/systemd/pgdata.volume': '[Volume]\nVolumeName=pgdata\n',
  'etc/opt/postgres/postgres.env': { text: 'TZ=UTC\nPGDATA=/data\n', mode: 0o600, uid: 999, gid: 999 },
  'etc/containers/systemd/web.pod': '[Pod]\nPublishPort=8080:80\nNetwork=home.network\n',
  'etc/containers/systemd/site.container': `[Container]\n${image('nginx')}\nPod=web.pod\nVolume=/srv/site:/site:ro\n`,
  'etc/containers/systemd/render.container': `[Container]\n${image('render')}\nPod=web.pod\n`,
  'etc/systemd/system/web-pod.service.d/wait.conf': '[Service]\nTimeoutStartSec=300\n',
  'srv/site/index.html': '<h1>{{ title }}</h1>\n',
  'srv/site': { text: null, uid: 33, gid: 33 },
  'etc/containers/systemd/worker@.container': `[Container]\n${image('worker')}\nExec=run %i\n`,
  'etc/containers/systemd/worker@a.container.d/slow.conf': '[Container]\nEnvironment=SLOW=1\n',
  'etc/containers/systemd/apps.kube': '[Kube]\nYaml=./apps.yaml\n',
  'etc/containers/systemd/apps.yaml':
    'spec:\n  volumes:\n    - name: c\n      hostPath:\n        path: /etc/opt/shared-kube\n',
  'etc/opt/shared-kube/x.conf': 'x\n',
  'etc/systemd/system/dump.service': [
    '[Service]',
    'Type=oneshot',
    'EnvironmentFile=-/etc/default/dump',
    'ExecStart=/usr/local/bin/dump.sh --all',
    '',
  ].join('\n'),
  'etc/systemd/system/dump.timer': '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n',
  'etc/default/dump': 'TO=/srv/dump\n',
  'usr/local/bin/dump.sh': { text: '#!/bin/sh\nexit 0\n', mode: 0o755 },
  'etc/systemd/system/haproxy.service.d/override.conf': '[Service]\nLimitNOFILE=65536\n',
  'etc/haproxy/haproxy.cfg': 'global\n  log /dev/log local0\n',
  'etc/haproxy/maps/sni.map': 'a.example.net web\n',
  'etc/motd': 'welcome\n',
  'etc/sysctl.d/90-unprivileged.conf': 'net.ipv4.ip_unprivileged_port_start=80\n',
};

/** A git repo with a folder for each app: units and configs beside each other, in no order of the machine's. */
export const appFolders: GivenTree = {
  'README.md': '# my homelab\n',
  'networks/proxy.network': '[Network]\n',
  'gatus/gatus.container': [
    '[Container]',
    image('gatus'),
    'Network=proxy.network',
    'Volume=/etc/opt/gatus/config.yml:/config/config.yml:ro',
    '',
  ].join('\n'),
  'gatus/config/config.yml': 'endpoints: []\n',
  'blackbox/blackbox.container': [
    '[Container]',
    image('blackbox'),
    'Network=proxy.network',
    'Mount=type=bind,source=/etc/opt/blackbox/config.yml,target=/config.yml',
    '',
  ].join('\n'),
  'blackbox/config.yml': 'modules: {}\n',
  'media/sonarr.container': `[Container]\n${image('sonarr')}\nNetwork=proxy.network\nVolume=./sonarr:/config\n`,
  'media/radarr.container': `[Container]\n${image('radarr')}\nNetwork=proxy.network\n`,
  'media/sonarr/config.xml': '<Config/>\n',
  'traefik/traefik.container': [
    '[Container]',
    image('traefik'),
    'Network=proxy.network',
    'Volume=/etc/opt/traefik/traefik.yml:/traefik.yml:ro',
    'Volume=/etc/opt/traefik/dynamic:/dynamic:ro',
    '',
  ].join('\n'),
  'traefik/traefik.yml': 'entryPoints: {}\n',
  'traefik/dynamic/tls.yml': 'tls: {}\n',
  'traefik/dynamic/more/web.yml': 'http: {}\n',
  'traefik/notes.txt': 'renew by hand\n',
};

/** Unit files alone, in one folder: as they are copied out of /etc/containers/systemd. */
export const flatFolder: GivenTree = Object.fromEntries(
  Object.entries(machineTree).flatMap(([path, given]) => {
    const name = /^etc\/containers\/systemd\/(.+)$/.exec(path)?.[1];
    return name === undefined ? [] : [[name, given]];
  }),
);
