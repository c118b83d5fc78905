import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptTree, broughtBy, type GivenTree, told } from '../../../support/adopt-fixture.ts';
import { appFolders, flatFolder, machineTree } from './homes.ts';

const appYaml = (texts: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts).flatMap(([path, text]) => {
      const name = /^apps\/(.+)\/app\.yaml$/.exec(path)?.[1];
      return name === undefined ? [] : [[name, text]];
    }),
  );

/** Files of a tree with owners, as a release says them. */
const filesOf = (tree: GivenTree): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tree).flatMap(([path, given]) => {
      if (given instanceof Uint8Array) throw new Error('no bytes in these');
      const { text, mode = 0o644, uid = 0, gid = 0 } = typeof given === 'string' ? { text: given } : given;
      if (text === null) return [];
      const owner = uid === 0 && gid === 0 ? 'root:root' : `${uid}:${gid}`;
      return [[`/${path}`, `0${mode.toString(8)} ${owner} ${text}`]];
    }),
  );

test('a machine’s own tree: apps by what names what, and the same files with modes and owners', async () => {
  const adopted = await adoptTree(machineTree, {
    owned: true,
    machine: { name: 'secsvcs', host: 'pve1', vmid: 101, address: '192.168.20.12', podman: '5.4' },
    domain: 'example.net',
  });
  assert.deepEqual(adopted.blocking, []);
  assert.equal(
    adopted.texts['homelab.yaml'],
    `v: 1
site: { domain: example.net }
hosts:
  pve1: {}
guests:
  secsvcs: { host: pve1, vmid: 101, address: 192.168.20.12, podman: "5.4" }
`,
  );
  assert.equal(adopted.texts['.gitattributes'], 'apps/** -text\n');
  assert.deepEqual(appYaml(adopted.texts), {
    apps: `on: secsvcs
units: [apps.kube]
files:
  - { from: apps.yaml, to: /etc/containers/systemd/apps.yaml }
  - { from: x.conf, to: /etc/opt/shared-kube/x.conf }
`,
    dump: `on: secsvcs
units: [dump.service, dump.timer]
files:
  - { from: dump, to: /etc/default/dump }
  - { from: dump.sh, to: /usr/local/bin/dump.sh, mode: "0755" }
`,
    grafana: `on: secsvcs
units: [grafana.container, grafana.container.d/10-limits.conf, grafanadata.volume]
files:
  - { from: config/, to: /etc/opt/grafana/, mode: "0640", owner: 0:472 }
  - { from: logo.svg.j2, to: /etc/opt/grafana/logo.svg.j2, mode: "0640", owner: 0:472, raw: true }
  - { from: notes, to: /etc/opt/grafana/notes }
dirs:
  - { path: /etc/opt/grafana, mode: "0750", owner: 0:472 }
  - { path: /etc/opt/grafana/plugins, owner: 472 }
route: { host: graph, port: 3000 }
secrets: [GF_OIDC]
`,
    haproxy: `on: secsvcs
units: [haproxy.service.d/override.conf]
service: haproxy.service
files:
  - { from: config/, to: /etc/haproxy/ }
`,
    networks: 'on: secsvcs\nunits: [home.network]\n',
    postgres: `on: secsvcs
units: [pgdata.volume, postgres.container]
files:
  - { from: postgres.env, to: /etc/opt/postgres/postgres.env, mode: "0600", owner: 999 }
secrets: [postgres_password]
`,
    'secsvcs-files': `on: secsvcs
files:
  - { from: motd, to: /etc/motd }
  - { from: 90-unprivileged.conf, to: /etc/sysctl.d/90-unprivileged.conf }
`,
    web: `on: secsvcs
units: [render.container, site.container, web-pod.service.d/wait.conf, web.pod]
files:
  - { from: index.html, to: /srv/site/index.html }
dirs:
  - { path: /srv/site, owner: 33 }
`,
    worker: `on: secsvcs
units: [worker@.container, worker@a.container.d/slow.conf]
`,
  });
  assert.deepEqual(await broughtBy(adopted.files, 'secsvcs'), filesOf(machineTree));
  assert.deepEqual(adopted.left, []);
  assert.deepEqual(told(adopted.doubts), [
    'no_service apps/secsvcs-files',
    'nobody_names /etc/motd',
    'nobody_names /etc/sysctl.d/90-unprivileged.conf',
  ]);
  assert.deepEqual(
    adopted.findings.map(({ code }) => code),
    ['secret_missing', 'secret_missing', 'drop_in_unused', 'generator_unplaced'],
  );
});

test('a folder for each app: units to where they are read, configs to where units mount them', async () => {
  const adopted = await adoptTree(appFolders);
  assert.deepEqual(adopted.blocking, []);
  assert.deepEqual(appYaml(adopted.texts), {
    blackbox: `on: box
units: [blackbox.container]
files:
  - { from: config.yml, to: /etc/opt/blackbox/config.yml }
`,
    gatus: `on: box
units: [gatus.container]
files:
  - { from: config.yml, to: /etc/opt/gatus/config.yml }
`,
    media: `on: box
units: [radarr.container, sonarr.container]
files:
  - { from: config.xml, to: /etc/containers/systemd/sonarr/config.xml }
`,
    networks: 'on: box\nunits: [proxy.network]\n',
    traefik: `on: box
units: [traefik.container]
files:
  - { from: config/, to: /etc/opt/traefik/ }
`,
  });
  const unitPath = (path: string): string => `/etc/containers/systemd/${path.slice(path.indexOf('/') + 1)}`;
  const expected: Record<string, string> = {
    '/etc/opt/blackbox/config.yml': 'modules: {}\n',
    '/etc/opt/gatus/config.yml': 'endpoints: []\n',
    '/etc/opt/traefik/traefik.yml': 'entryPoints: {}\n',
    '/etc/opt/traefik/dynamic/tls.yml': 'tls: {}\n',
    '/etc/opt/traefik/dynamic/more/web.yml': 'http: {}\n',
    '/etc/containers/systemd/sonarr/config.xml': '<Config/>\n',
  };
  for (const [path, text] of Object.entries(appFolders))
    if (/\.(container|network)$/.test(path)) expected[unitPath(path)] = text as string;
  const brought = await broughtBy(adopted.files);
  assert.deepEqual(
    brought,
    Object.fromEntries(
      Object.entries(expected)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([path, text]) => [path, `0644 root:root ${text}`]),
    ),
  );
  assert.deepEqual(told(adopted.left), ['unplaced README.md', 'unplaced traefik/notes.txt']);
  assert.deepEqual(told(adopted.doubts), [
    'guessed_place /etc/opt/blackbox/config.yml',
    'guessed_place /etc/opt/gatus/config.yml',
    'guessed_place /etc/opt/traefik/dynamic/more/web.yml',
    'guessed_place /etc/opt/traefik/dynamic/tls.yml',
    'guessed_place /etc/opt/traefik/traefik.yml',
    'machine_assumed box',
  ]);
});

test('a flat folder of units makes the same apps as the tree', async () => {
  const [flat, tree] = [await adoptTree(flatFolder), await adoptTree(machineTree)];
  const units = (adopted: typeof flat) =>
    adopted.apps.flatMap(({ name, units: own }) => own.map((unit) => `${name} ${unit}`));
  const inTree = units(tree).filter((one) => !/\.(service|timer)$|\.service\.d/.test(one));
  assert.deepEqual(units(flat), inTree);
  const brought = await broughtBy(flat.files);
  for (const [path, given] of Object.entries(flatFolder))
    assert.equal(brought[`/etc/containers/systemd/${path}`], `0644 root:root ${given as string}`, path);
});

test('the order of files makes no difference', async () => {
  const turned = Object.fromEntries(Object.entries(machineTree).reverse());
  const options = { owned: true, domain: 'example.net' };
  assert.deepEqual(
    Object.entries((await adoptTree(turned, options)).texts).sort(),
    Object.entries((await adoptTree(machineTree, options)).texts).sort(),
  );
});
