import assert from 'node:assert/strict';
import { test } from 'node:test';
import { container, home } from './built.ts';
import { rows } from './rows.ts';

test(rows.routes, async () => {
  const { told, built } = await home({
    'apps/app/app.yaml': `on: secsvcs
units: [app.container]
routes:
  - { host: [app, www, other.example.org], port: 8080, access: family, public: true }
  - name: admin
    host: app
    port: 8443
    access: admins
    scheme: https
    transport: internal-ca
    priority: 100
    middlewares: [compress, headers@file]
    when: { path: [/admin, /manage], not_path: /admin/public, header: { X-Client: desk }, method: GET }
  - { name: db, host: db, port: 5432, scheme: tcp, passthrough: true, entry_points: [postgres] }
  - { name: api, host: traefik, service: api@internal, access: admins, resolver: other }
  - { name: any, host: "*.apps", port: 8080 }
`,
    'apps/app/app.container': container(),
  });
  assert.deepEqual(told, []);
  const when =
    '{"path":["/admin","/manage"],"not_path":["/admin/public"],"header":{"X-Client":"desk"},"method":["GET"],"priority":100}';
  const at = { app: 'app', target: 'secsvcs' };
  assert.deepEqual(built.release!.manifest.facts.routes, [
    { host: '*.apps.example.net', ...at, public: false },
    { host: 'app.example.net', ...at, public: true, access: 'family' },
    { host: 'app.example.net', ...at, public: false, access: 'admins', when },
    { host: 'db.example.net', ...at, public: false },
    { host: 'other.example.org', ...at, public: true, access: 'family' },
    { host: 'traefik.example.net', ...at, public: false, access: 'admins' },
    { host: 'www.example.net', ...at, public: true, access: 'family' },
  ]);
  const routes = built.home!.routes.map(
    ({ name, scheme, upstream, transport, priority, middlewares, service, entry_points }) =>
      [
        name,
        scheme,
        upstream === undefined ? (service ?? '') : `${upstream.host}:${upstream.port}`,
        transport ?? '',
        priority ?? '',
        middlewares.join(),
        entry_points?.join() ?? '',
      ]
        .join(' ')
        .trimEnd(),
  );
  assert.deepEqual(routes, [
    'admin https 192.168.20.11:8443 internal-ca 100 compress,headers@file',
    'any http 192.168.20.11:8080',
    'api http api@internal',
    'app http 192.168.20.11:8080',
    'db tcp 192.168.20.11:5432    postgres',
  ]);
});

test(rows.certs, async () => {
  const { told, app } = await home({
    'apps/db/app.yaml': `on: secsvcs
units: [db.container]
certs:
  - { name: server, to: /etc/opt/db/tls/, owner: 70 }
  - name: replica
    kind: client
    names: [replicator]
    to: { cert: /etc/opt/db/replica.crt, key: /etc/opt/db/replica.key }
    owner: "70:70"
    mode: "0400"
    on_change: reload
  - { name: named, names: [db, db.internal.example.net, 10.89.1.5], to: { cert: /a.crt, key: /a.key, ca: /ca.crt }, on_change: none }
`,
    'apps/db/db.container': container(),
  });
  assert.deepEqual(told, []);
  assert.deepEqual(app('secsvcs', 'db').certs, [
    {
      name: 'server',
      kind: 'server',
      names: ['192.168.20.11', 'db', 'secsvcs'],
      cert: '/etc/opt/db/tls/cert.pem',
      key: '/etc/opt/db/tls/key.pem',
      ca: '/etc/opt/db/tls/ca.pem',
      owner: '70:70',
      mode: '0600',
      on_change: 'restart',
    },
    {
      name: 'replica',
      kind: 'client',
      names: ['replicator'],
      cert: '/etc/opt/db/replica.crt',
      key: '/etc/opt/db/replica.key',
      owner: '70:70',
      mode: '0400',
      on_change: 'reload',
    },
    {
      name: 'named',
      kind: 'server',
      names: ['10.89.1.5', '192.168.20.11', 'db', 'db.internal.example.net', 'secsvcs'],
      cert: '/a.crt',
      key: '/a.key',
      ca: '/ca.crt',
      owner: 'root:root',
      mode: '0600',
      on_change: 'none',
    },
  ]);
  const rival = await home({
    'apps/db/app.yaml':
      'on: secsvcs\nfiles: [{ from: x, to: /etc/tls/key.pem }]\ncerts: [{ name: a, to: /etc/tls/ }]\n',
    'apps/db/x': 'x',
  });
  assert.deepEqual(rival.told, [
    'apps/db/app.yaml:3 error path_twice: /etc/tls/key.pem on secsvcs is a file of this app already',
  ]);
});

test(rows.ports, async () => {
  const apps = (from: string) => ({
    'apps/mqtt/app.yaml': `on: homesvcs\nunits: [mqtt.container]\nports:\n  - { port: 1883, from: ${from} }\n  - { port: 5353, proto: udp }\n`,
    'apps/mqtt/mqtt.container': container('PublishPort=1883:1883', 'PublishPort=5353:5353/udp'),
  });
  const { told, app } = await home(apps('[wifi, secsvcs, 10.0.0.0/8, 192.168.20.40]'));
  assert.deepEqual(told, []);
  assert.deepEqual(app('homesvcs', 'mqtt').ports, [
    { port: 1883, proto: 'tcp', from: ['10.0.0.0/8', '192.168.20.40', 'secsvcs', 'wifi'] },
    { port: 5353, proto: 'udp' },
  ]);
  assert.deepEqual((await home(apps('wfi'))).told, [
    'apps/mqtt/app.yaml:4 error unknown_network: there is no network, guest or host wfi',
  ]);
});

test(rows.oidc, async () => {
  const apps = {
    'apps/graf/app.yaml': `on: websvcs
units: [graf.container]
route: { host: graph, port: 3000, access: family }
uses: [{ oidc: { secret: graf_oidc, redirect: https://graph.example.net/login, access: family } }]
`,
    'apps/graf/graf.container': container('Secret=graf_oidc,type=env'),
    'apps/authelia/app.yaml': `on: secsvcs
units: [authelia.container]
files: [{ from: clients.yml.j2, to: /etc/opt/authelia/clients.yml }]
`,
    'apps/authelia/authelia.container': container(),
    'apps/authelia/clients.yml.j2':
      "{% for f in home.flows if f.oidc is defined %}- {{ f.oidc.client }} {{ secret(f.oidc.hash) }} {{ f.oidc.redirect | join(' ') }} {{ home.access[f.oidc.access].groups | join(',') }} from {{ home.access[f.oidc.access].from | join(',') }}\n{% endfor %}",
    'secrets/websvcs/graf_oidc.age': 'for websvcs',
    'secrets/secsvcs/graf_oidc.age': 'for secsvcs',
  };
  const { told, app, text, built } = await home(apps);
  assert.deepEqual(told, []);
  assert.deepEqual(app('secsvcs', 'authelia').clients, [
    {
      client: 'graf',
      secret: 'graf_oidc',
      hash: 'graf_oidc_hash',
      redirect: ['https://graph.example.net/login'],
      access: 'family',
      for: 'graf@websvcs',
    },
  ]);
  const digest = (target: string, name: string) => app(target, name).secrets[0]!.digest;
  assert.deepEqual(app('secsvcs', 'authelia').secrets, [
    { name: 'graf_oidc', digest: digest('secsvcs', 'authelia') },
    { name: 'graf_oidc_hash', derived: { from: ['graf_oidc'], as: 'pbkdf2-sha512' } },
  ]);
  assert.notEqual(digest('secsvcs', 'authelia'), digest('websvcs', 'graf'));
  assert.equal(
    text('secsvcs', '/etc/opt/authelia/clients.yml'),
    '- graf ~writ:secret:graf_oidc_hash~ https://graph.example.net/login family,admins from servers,wifi\n',
  );
  assert.deepEqual(built.release!.manifest.facts.access[1], {
    name: 'family',
    policy: 'one_factor',
    groups: ['admins', 'family'],
    from: ['servers (192.168.20.0/24)', 'wifi (192.168.10.0/24)'],
  });
  const twice = await home({
    ...apps,
    'apps/authelia/clients.yml.j2': '',
    'apps/wiki/app.yaml':
      'on: websvcs\nuses: [{ oidc: { client: graf, secret: graf_oidc, access: famly } }]\n',
  });
  assert.deepEqual(twice.told, [
    'apps/wiki/app.yaml:2 error client_twice: the client graf is graf on websvcs already',
    'apps/wiki/app.yaml:2 error unknown_access: there is no access famly in homelab.yaml',
  ]);
  // Of two accesses for one client only one could hold.
  const both = await home({
    ...apps,
    'apps/authelia/clients.yml.j2': '',
    'apps/wiki/app.yaml': [
      'on: websvcs',
      'uses:',
      '  - { oidc: { secret: wiki_oidc, redirect: /a, access: family } }',
      '  - { oidc: { secret: wiki_oidc, redirect: /b } }',
      '',
    ].join('\n'),
  });
  assert.deepEqual(
    both.told.filter((one) => one.includes(' error ')),
    [
      'apps/wiki/app.yaml:4 error client_twice: the client wiki has the secret wiki_oidc and the access family already',
    ],
  );
});

test(rows.postgres, async () => {
  const apps = {
    'apps/postgres/app.yaml': 'on: secsvcs\nunits: [postgres.container]\n',
    'apps/postgres/postgres.container': container(),
    'apps/graf/app.yaml':
      'on: secsvcs\nunits: [graf.container]\nuses: [{ postgres: { database: grafana, password: graf_pg } }]\n',
    'apps/graf/graf.container': container('Secret=graf_pg,type=env'),
    'apps/wiki/app.yaml':
      'on: websvcs\nunits: [wiki.container]\nuses: [{ postgres: { database: wiki, role: wiki_rw, password: wiki_pg } }]\n',
    'apps/wiki/wiki.container': container('Secret=wiki_pg,type=env'),
    'secrets/secsvcs/graf_pg.age': 'a',
    'secrets/secsvcs/wiki_pg.age': 'b',
    'secrets/websvcs/wiki_pg.age': 'c',
  };
  const { told, app, built } = await home(apps);
  assert.deepEqual(told, []);
  assert.deepEqual(app('secsvcs', 'postgres').databases, [
    { database: 'grafana', role: 'grafana', password: 'graf_pg', for: 'graf@secsvcs' },
    { database: 'wiki', role: 'wiki_rw', password: 'wiki_pg', for: 'wiki@websvcs' },
  ]);
  assert.deepEqual(
    app('secsvcs', 'postgres').secrets.map(({ name, digest }) => [name, digest !== undefined]),
    [
      ['graf_pg', true],
      ['wiki_pg', true],
    ],
  );
  assert.deepEqual(app('secsvcs', 'graf').after, ['postgres']);
  assert.deepEqual(built.release!.manifest.facts.flows, [
    { from: 'graf@secsvcs', to: 'postgres@secsvcs', port: 5432 },
    { from: 'wiki@websvcs', to: 'postgres@secsvcs', port: 5432 },
  ]);
  // Both machines need the password.
  const { 'secrets/secsvcs/wiki_pg.age': _, ...unset } = apps;
  assert.deepEqual((await home(unset)).told, [
    'apps/postgres/app.yaml:1 warning secret_missing: nobody has set the secret wiki_pg for secsvcs',
  ]);
  const twice = await home({
    ...apps,
    'apps/wiki/app.yaml': apps['apps/wiki/app.yaml'].replace('role: wiki_rw', 'role: grafana'),
  });
  assert.deepEqual(twice.told, [
    'apps/wiki/app.yaml:3 error role_twice: the role grafana has the password graf_pg for graf on secsvcs already',
  ]);
});
