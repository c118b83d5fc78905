import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildExample, exampleRepo, filesOf, lookInto, partOf } from './example.ts';

/** What living homelabs were seen to need, each said by an app of the example and found in what is built. */
const { release, home, parts, fileOf, textOf, appOf, routesOf } = lookInto(await buildExample());

const rows: Readonly<Record<string, () => void>> = {
  'native units are passed through untouched': () => {
    const { files } = exampleRepo();
    const name = 'grafana.container';
    const text = new TextDecoder().decode(files.get(`apps/grafana/${name}`));
    assert.equal(textOf('secsvcs', `/etc/containers/systemd/${name}`), text);
  },
  'containers have addresses of their own in the network of their guest': () => {
    const found = [...filesOf(release, 'secsvcs')].flatMap(([path, text]) =>
      path.endsWith('.container') ? (/^IP=(.*)$/m.exec(text)?.[1] ?? []) : [],
    );
    assert.ok(found.length >= 9, `${found.length} addresses`);
    assert.ok(found.every((address) => address.startsWith('10.89.1.')));
  },
  'apps of an isolated guest reach what they use, and nothing else': () => {
    const networks = (name: string): string[] => {
      const text = textOf('websvcs', `/etc/containers/systemd/${name}.container.d/50-writ-network.conf`);
      return [...text.matchAll(/^Network=(.+)\.network$/gm)].map(([, network]) => network!);
    };
    assert.deepEqual(networks('forgejo'), ['forgejo_traefik', 'forgejo_vmagent']);
    assert.deepEqual(networks('jellyfin'), ['jellyfin_traefik']);
    const asked = networks('traefik').map((name) => name.split('_').find((app) => app !== 'traefik'));
    const routed = home.routes.flatMap(({ app, target, proxy }) =>
      target === 'websvcs' && proxy === 'websvcs' && app !== 'traefik' ? [app] : [],
    );
    assert.ok(routed.length >= 6);
    assert.deepEqual(asked.sort(), [...new Set(routed)].sort());
    // Nobody speaks to it: its players come by a published port.
    assert.deepEqual(networks('minecraft'), ['minecraft.own']);
  },
  'templates read the whole home': () => {
    const exports = textOf('nas', '/etc/ganesha/ganesha.conf');
    for (const name of ['websvcs', 'devtop', 'macos']) {
      assert.ok(exports.includes(home.guests[name]!.address!), name);
    }
  },
  'files come by name, pattern and folder, with modes and owners of numbers': () => {
    const datasource = fileOf('secsvcs', '/etc/opt/grafana/provisioning/datasources/home.yml');
    assert.deepEqual([datasource.owner, datasource.mode], ['472:472', '0644']);
    assert.deepEqual(appOf('secsvcs', 'grafana').prune, ['/etc/opt/grafana/provisioning']);
    assert.equal(fileOf('homesvcs', '/etc/opt/mosquitto/acl.conf').owner, '1883:1883');
    assert.equal(fileOf('secsvcs', '/etc/opt/postgres/postgresql.conf').mode, '0640');
  },
  'folders that no file fills': () => {
    const [dir] = appOf('secsvcs', 'postgres').dirs;
    assert.deepEqual(dir, { path: '/var/backups/postgres', mode: '0700', owner: '70:70' });
  },
  'several routes with conditions, priorities and access of their own': () => {
    const [page, phone] = routesOf('homeassistant');
    assert.deepEqual([page!.access, phone!.access], ['family', undefined]);
    assert.deepEqual(phone!.when, { path: ['/api/', '/auth/token'], not_path: ['/api/hassio'] });
    assert.equal(phone!.priority, 500);
  },
  'backends over HTTPS, names passed through, services of the proxy': () => {
    const pve = routesOf('proxmox');
    assert.deepEqual(
      pve.map(({ scheme, proxy, upstream }) => [scheme, proxy, upstream?.host]),
      [
        ['https', 'secsvcs', '192.168.20.2'],
        ['https', 'secsvcs', '192.168.20.3'],
      ],
    );
    assert.equal(routesOf('headscale')[0]!.passthrough, true);
    assert.equal(routesOf('traefik')[0]!.service, 'api@internal');
  },
  'one secret of several apps, and of several machines': () => {
    const { lldap_admin_password: shared, forgejo_pg_password: across, acme_dns_token: three } = home.secrets;
    assert.deepEqual(shared!.apps, ['authelia', 'lldap', 'lldap-people']);
    assert.deepEqual(
      [across!.apps, across!.targets],
      [
        ['databases', 'forgejo', 'postgres'],
        ['secsvcs', 'websvcs'],
      ],
    );
    assert.deepEqual(three!.targets, ['homesvcs', 'secsvcs', 'websvcs']);
  },
  'secrets that are made of others on the machine': () => {
    const made = appOf('secsvcs', 'authelia').secrets.find(({ name }) => name === 'grafana_oidc_secret_hash');
    assert.deepEqual(made, {
      name: 'grafana_oidc_secret_hash',
      derived: { from: ['grafana_oidc_secret'], as: 'pbkdf2-sha512' },
    });
  },
  'secrets in base64, for who wants bytes': () => {
    const made = appOf('homesvcs', 'esphome').secrets.find(({ derived }) => derived !== undefined);
    assert.deepEqual(made, {
      name: 'esphome_api_key_base64',
      derived: { from: ['esphome_api_key'], as: 'base64' },
    });
  },
  'secrets that are composed of others, and of what stands around them': () => {
    const patternOf = (app: string, name: string): string => {
      const { derived } = appOf('websvcs', app).secrets.find((one) => one.name === name)!;
      assert.equal(derived!.as, 'text');
      return derived!.pattern!;
    };
    assert.equal(
      patternOf('miniflux', 'miniflux_database_url'),
      `postgres://miniflux:<<miniflux_pg_password>>@${home.guests.secsvcs!.address}/miniflux?sslmode=require`,
    );
    const signIns = JSON.parse(patternOf('paperless', 'paperless_sign_ins')) as Record<string, unknown>;
    assert.deepEqual(Object.keys(signIns), ['openid_connect']);
  },
  'configuration that holds secrets, by placeholders': () => {
    assert.deepEqual(fileOf('homesvcs', '/etc/opt/homeassistant/secrets.yaml').secrets, [
      'homeassistant_writ_token',
    ]);
    assert.ok(
      fileOf('secsvcs', '/etc/opt/authelia/clients.yml').secrets!.includes('forgejo_oidc_secret_hash'),
    );
  },
  'certificates of the home’s own authority, for servers and clients': () => {
    assert.deepEqual(appOf('secsvcs', 'postgres').certs, [
      {
        name: 'postgres',
        kind: 'server',
        cert: '/etc/opt/postgres/tls/cert.pem',
        key: '/etc/opt/postgres/tls/key.pem',
        ca: '/etc/opt/postgres/tls/ca.pem',
        names: ['192.168.21.11', 'postgres', 'secsvcs'],
        owner: '70:70',
        mode: '0600',
        on_change: 'restart',
      },
    ]);
    assert.equal(appOf('homesvcs', 'homeassistant').certs[0]!.kind, 'client');
    // Mosquitto knows its clients by these names.
    const [client] = appOf('homesvcs', 'zigbee2mqtt').certs;
    assert.deepEqual(client!.names, ['zigbee2mqtt']);
    assert.match(textOf('homesvcs', '/etc/opt/mosquitto/acl.conf'), /^user zigbee2mqtt$/m);
  },
  'apps that are started after others': () => {
    assert.deepEqual(appOf('secsvcs', 'authelia').after, ['lldap', 'postgres']);
  },
  'ports that only some may reach': () => {
    assert.deepEqual(appOf('secsvcs', 'postgres').ports, [{ port: 5432, proto: 'tcp', from: ['websvcs'] }]);
  },
  'ports over UDP, for some networks': () => {
    const own = appOf('websvcs', 'syncthing').ports.filter(({ proto }) => proto === 'udp');
    assert.deepEqual(
      own.map(({ port, from }) => [port, from]),
      [
        [22000, ['pve2-lan', 'switch', 'wifi']],
        [21027, ['pve2-lan', 'wifi']],
      ],
    );
  },
  'a database on a shared server, here and on another guest': () => {
    const sql = textOf('secsvcs', '/etc/opt/databases/roles.sql');
    for (const role of ['authelia', 'forgejo', 'grafana', 'guacamole', 'miniflux', 'paperless'])
      assert.ok(sql.includes(`'CREATE ROLE "${role}"'`), role);
    assert.match(
      textOf('secsvcs', '/etc/opt/postgres/pg_hba.conf'),
      /^hostssl +"forgejo" +"forgejo" +192\.168\.22\.11\/32/m,
    );
  },
  'clients of single sign-on': () => {
    const config = textOf('secsvcs', '/etc/opt/authelia/clients.yml');
    for (const uri of [
      'graph.example.net/login/generic_oauth',
      'git.example.net/user/oauth2/authelia/callback',
      'papers.example.net/accounts/oidc/authelia/login/callback/',
      'photos.example.net/api/oauth/mobile-redirect',
    ]) {
      assert.ok(config.includes(`- 'https://${uri}'\n`), uri);
    }
  },
  'one app on several guests, with values of each': () => {
    const instances = home.instances.filter(({ app }) => app === 'traefik');
    assert.deepEqual(
      instances.map(({ target }) => target),
      ['homesvcs', 'secsvcs', 'websvcs'],
    );
    const unit = (target: string): string => textOf(target, '/etc/containers/systemd/traefik.container');
    assert.notEqual(unit('secsvcs'), unit('homesvcs'));
  },
  'files that an app writes itself': () => {
    assert.equal(fileOf('homesvcs', '/var/lib/homeassistant/automations.yaml').manage, 'seed');
  },
  'files within a named volume, which the app may change': () => {
    const [seed] = partOf(parts, 'websvcs').files.filter(({ volume }) => volume !== undefined);
    assert.deepEqual([seed!.volume, seed!.manage], ['syncthing', 'seed']);
  },
  'files whose change only reloads': () => {
    assert.equal(fileOf('secsvcs', '/etc/opt/victoriametrics/scrape.yml').on_change, 'reload');
  },
  'services of the distribution, with drop-ins, and timers': () => {
    assert.deepEqual(appOf('cloud', 'haproxy').units, [
      { service: 'haproxy.service', files: ['haproxy.service.d/10-restart.conf'], kind: 'run' },
    ]);
    const units = appOf('secsvcs', 'postgres').units.map(({ service, kind }) => `${kind} ${service}`);
    assert.ok(units.includes('run postgres-dump.timer'));
    assert.ok(units.includes('triggered postgres-dump.service'));
  },
  'volumes on another machine': () => {
    assert.match(
      textOf('websvcs', '/etc/containers/systemd/films.volume'),
      /^Device=192\.168\.22\.15:\/films$/m,
    );
  },
  'hardware that only one may use': () => {
    assert.deepEqual(home.guests.gaming!.exclusive, home.guests.devtop!.exclusive);
  },
  'backups and commands': () => {
    assert.deepEqual(appOf('websvcs', 'forgejo').backup, {
      volumes: ['forgejo-data', 'forgejo-config'],
      paths: [],
      stop: true,
    });
    assert.equal(appOf('websvcs', 'forgejo').commands[0]!.container, 'forgejo.container');
  },
};

for (const [name, check] of Object.entries(rows)) test(name, check);
