import { homeOf } from './compiled-home.ts';
import type { Tree } from './repo-fixture.ts';

/** A home that watches itself: a small server, a tower that sleeps, a public machine, and apps with metrics on each. */
export const watchedHome: Tree = {
  'homelab.yaml': `v: 1
site: { domain: example.net, timezone: Europe/Berlin }
hosts:
  cloud: { title: the cloud, proxmox: false, public_address: 203.0.113.10, tailnet: 100.64.0.1 }
  pve1: { title: the small server, address: 192.168.20.2 }
  pve2: { title: the tower, address: 192.168.20.3, sleeps: true, mac: "02:00:00:00:00:02", wake_via: pve1, wake_address: 192.168.20.255 }
guests:
  secsvcs: { host: pve1, vmid: 101, address: 192.168.21.11, tailnet: 100.64.0.11 }
  websvcs: { host: pve2, vmid: 200, address: 192.168.22.11 }
  gaming: { host: pve2, vmid: 201, ad_hoc: true }
storage:
  root: { host: pve1, kind: dir, id: local, path: /var/lib/vz, content: [backup, iso] }
  vms: { host: pve2, kind: lvmthin, id: local-lvm, alert: { used: 80, metadata: 60 } }
  hdd: { host: pve2, kind: dir, path: /mnt/hdd, content: backup, alert: { used: 90 } }
backups:
  nightly: { guests: [websvcs, gaming], storage: hdd, schedule: "30 3 * * *", keep: { last: 3 } }
  weekly: { guests: secsvcs, storage: root, schedule: "0 4 * * 0", keep: { last: 2 } }
notifications:
  channels:
    phone: { ntfy: "https://ntfy.example.net/home" }
    hook: { webhook: "https://hooks.example.net/a?b=c" }
    post: { email: [admin@example.net, other@example.net] }
  send:
    - { to: phone, from: warning }
    - { to: [hook, post], about: [backups, storage], from: critical }
generators: { haproxy: { on: false }, traefik: { on: false } }
`,
  'apps/node/app.yaml': `on: [secsvcs, websvcs]
units: [node.container]
metrics: { port: 9100 }
`,
  'apps/node/node.container': '[Container]\nImage=docker.io/library/x:1\nNetwork=host\n',
  'apps/web/app.yaml': `on:
  - { guest: secsvcs, route: { host: web, port: 80 } }
  - { guest: websvcs, route: { host: other, port: 80 } }
units: [web.container]
metrics: [{ port: 80 }, { name: slow, port: 80, path: "/slow?part=a&part=b&of=c", every: 5m }]
health: { path: / }
`,
  'apps/web/web.container': '[Container]\nImage=docker.io/library/x:1\nPublishPort=80:80\n',
  'apps/writ/app.yaml': `on: cloud
metrics: { port: 8420, scheme: https, token: writ_token, honor_labels: true }
`,
  'apps/watch/app.yaml': `on: secsvcs
units: [watch.container]
secrets: [writ_token, phone_token]
files:
  - { generate: scrape/config, to: /etc/opt/watch/scrape.yml }
`,
  'apps/watch/watch.container':
    '[Container]\nImage=docker.io/library/x:1\nSecret=writ_token,type=mount\nSecret=phone_token,type=mount\n',
};

/** The model of it, with some files otherwise. */
export const watched = (changes: Tree = {}) => homeOf({ ...watchedHome, ...changes });

/** Where the app that watches is. */
export const watcher = { app: 'watch', target: 'secsvcs' } as const;
