import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generators } from '../../src/config/generate/index.ts';
import { makePlan } from '../../src/config/plan/plan.ts';
import { linesIn, plannedFiles } from '../support/plan-lines.ts';
import { buildExample } from './example.ts';

/** One folder that says of everything something. */
const folder = {
  'apps/wiki/app.yaml': [
    'title: Wiki',
    'on: websvcs',
    'units: [wiki.container]',
    'routes:',
    '  - { host: wiki, port: 8080, public: true, access: family }',
    '  - { name: pages, host: "*.pages", port: 8080, public: true }',
    'metrics: { port: 9090 }',
    'health: { path: / }',
    'ports: [{ port: 9443, from: [wifi, cloud] }]',
    'uses:',
    '  - { app: forgejo, port: 3000 }',
    '  - { postgres: { on: secsvcs, database: wiki, password: wiki_pg_password } }',
    '  - { oidc: { on: secsvcs, secret: wiki_oidc_secret, redirect: /signed-in, access: family } }',
    '',
  ].join('\n'),
  'apps/wiki/wiki.container': [
    '[Container]',
    'Image=docker.io/library/nginx:1.29.1',
    'Network=websvcs.network',
    'PublishPort=9090:9090',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n'),
};

/** What the example has no use for, so that it has a place, too. */
const more = {
  'apps/more-names/app.yaml': `on: secsvcs
files:
  - { generate: hosts/entries, to: /etc/opt/more-names/hosts, on_change: none }
  - { generate: pfsense/custom-options, to: /etc/opt/more-names/custom-options, on_change: none }
`,
  'apps/suffixes/app.yaml': `on: cloud
files: [{ generate: haproxy/suffixes, to: /etc/haproxy/suffixes.map, on_change: none }]
`,
};

async function built(changes: Readonly<Record<string, string>>) {
  const { release, home, findings } = await buildExample(changes);
  assert.ok(release !== undefined && home !== undefined, JSON.stringify(findings));
  return { release, home };
}
const without = await built(more);
const withApp = await built({ ...more, ...folder });
const there = makePlan(without.release, withApp.release);
const back = makePlan(withApp.release, without.release);

type Line = readonly [target: string, path: string, line: RegExp];
/** One line, or one each of several files; or why the folder of an app brings nothing to it. */
type Brought = Line | readonly Line[] | string;

/** By generator and output, what the folder brings to it. */
const brought: Readonly<Record<string, Readonly<Record<string, Brought>>>> = {
  alertmanager: { config: 'who is told goes by how bad it is and what it is about, not by app' },
  authelia: {
    'access-control': ['secsvcs', '/etc/opt/authelia/access-control.yml', /^- 'wiki\.example\.net'$/],
    clients: ['secsvcs', '/etc/opt/authelia/clients.yml', /^- client_id: 'wiki'$/],
  },
  certificates: {
    names: ['secsvcs', '/etc/opt/certificates/names.json', /^"name": "wiki\.example\.net",$/],
    // Of its wildcard: who makes certificates of single names is said already.
    caa: [
      'secsvcs',
      '/etc/opt/certificates/caa.zone',
      /^example\.net\. 3600 IN CAA 0 issuewild "letsencrypt/,
    ],
  },
  gatus: { endpoints: ['secsvcs', '/etc/opt/gatus/home.yaml', /^url: 'https:\/\/wiki\.example\.net\/'$/] },
  grafana: {
    dashboard: [
      'secsvcs',
      '/etc/opt/grafana/dashboards/home.json',
      /^"legendFormat": "Wiki \(wiki\.example\.net\)",$/,
    ],
    datasources: 'it is what Grafana uses, which the folder of Grafana says',
    providers: 'there is one page of the home, and it is found already',
  },
  haproxy: {
    // Of its wildcard: single names are in a map that is read already.
    config: [
      'cloud',
      '/etc/haproxy/haproxy.cfg',
      /req\.ssl_sni,lower,map_end\(\/etc\/haproxy\/suffixes\.map\)/,
    ],
    names: ['cloud', '/etc/haproxy/names.map', /^wiki\.example\.net be_websvcs$/],
    suffixes: ['cloud', '/etc/haproxy/suffixes.map', /^\.pages\.example\.net be_websvcs$/],
  },
  headscale: {
    policy: ['cloud', '/etc/headscale/policy.json', /^"100\.64\.0\.21:9443"$/],
    records: [
      'cloud',
      '/etc/headscale/records.json',
      /"wiki\.example\.net","type":"A","value":"100\.64\.0\.21"/,
    ],
  },
  homepage: {
    services: ['secsvcs', '/etc/opt/homepage/services.yaml', /^href: 'https:\/\/wiki\.example\.net\/'$/],
  },
  hosts: { entries: ['secsvcs', '/etc/opt/more-names/hosts', /^192\.168\.22\.11 .*\bwiki\.example\.net\b/] },
  lldap: { bootstrap: 'people and their groups are those of homelab.yaml' },
  nftables: {
    ruleset: [
      'websvcs',
      '/etc/opt/firewall/ruleset.nft',
      /^meta l4proto tcp ct original proto-dst 9443 ip saddr .*192\.168\.10\.0\/24.* accept comment "wiki"$/,
    ],
  },
  ntfy: { server: 'who may read what is said by its own options' },
  pfsense: {
    'host-overrides': ['pve1', '/etc/opt/pfsense/host-overrides.json', /^"host": "wiki",$/],
    'custom-options': [
      'secsvcs',
      '/etc/opt/more-names/custom-options',
      /^local-data: "pages\.example\.net\. 300 /,
    ],
    'bring-names': 'a program that carries the list, whatever is in it',
  },
  podman: {
    networks: [
      [
        'websvcs',
        '/etc/containers/systemd/wiki.container.d/50-writ-network.conf',
        /^Network=traefik_wiki\.network$/,
      ],
      [
        'websvcs',
        '/etc/containers/systemd/traefik.container.d/50-writ-network.conf',
        /^Network=traefik_wiki\.network$/,
      ],
    ],
  },
  postgres: {
    roles: ['secsvcs', '/etc/opt/databases/roles.sql', /^SELECT 'CREATE DATABASE "wiki" OWNER "wiki"'/],
    hba: [
      'secsvcs',
      '/etc/opt/postgres/pg_hba.conf',
      /^hostssl {2}"wiki" {2}"wiki" {2}192\.168\.22\.11\/32 {2}scram-sha-256$/,
    ],
    passwords: [
      'secsvcs',
      '/etc/containers/systemd/databases.container.d/50-writ-passwords.conf',
      /^Secret=wiki_pg_password,/,
    ],
  },
  proxmox: {
    metrics: 'storages and backups are of guests',
    hookscript: 'hardware that excludes others is held by guests',
  },
  router: {
    rules: ['pve1', '/etc/opt/pfsense/rules.json', /^"descr": "Writ: wifi to wiki on websvcs"$/],
    text: ['pve1', '/etc/opt/pfsense/rules.txt', /^wifi .* websvcs +9443\/tcp +wiki$/],
    'bring-rules': 'a program that carries the rules, whatever they are',
  },
  scrape: { config: ['secsvcs', '/etc/opt/victoriametrics/scrape.yml', /^app: 'wiki'$/] },
  traefik: {
    static: 'entry points and resolvers are there before any app',
    dynamic: ['websvcs', 'secsvcs'].map(
      (target): Line => [
        target,
        '/etc/opt/traefik/dynamic/home.yml',
        /^rule: 'Host\(`wiki\.example\.net`\)'$/,
      ],
    ),
  },
  unbound: {
    zone: [
      'secsvcs',
      '/etc/unbound/unbound.conf.d/home.conf',
      /^local-data: "wiki\.example\.net\. 300 IN A 192\.168\.22\.11"$/,
    ],
  },
  victorialogs: { 'journal-upload': 'a machine sends the journal of whatever runs on it' },
  vmalert: {
    rules: [
      'secsvcs',
      '/etc/opt/victoriametrics/rules/home.yml',
      /^expr: 'node_systemd_units\{machine="websvcs",.*name=~"wiki\\\\\.service"/,
    ],
  },
};

test('of every output of every generator it is said what the folder brings to it', () => {
  const said = Object.entries(brought).map(([name, outputs]) => [name, Object.keys(outputs).toSorted()]);
  const made = generators.map(({ name, outputs }) => [name, Object.keys(outputs).toSorted()]);
  assert.deepEqual(said, made);
});

const isLine = (given: Line | readonly Line[]): given is Line => typeof given[0] === 'string';

/** Where the home has an output placed. */
const placesOf = (output: string) =>
  withApp.home.instances.flatMap(({ app, target, files }) =>
    files.flatMap(({ generate, to }) => (generate === output ? [{ app, target, to }] : [])),
  );

for (const [name, outputs] of Object.entries(brought)) {
  for (const [output, what] of Object.entries(outputs)) {
    if (typeof what === 'string') {
      test(`one folder brings nothing to ${name}/${output}: ${what}`, () => {
        const places = placesOf(`${name}/${output}`);
        assert.ok(places.length > 0, 'it has a place');
        for (const { target, to } of places) {
          const touched = plannedFiles(there).filter(
            (file) => file.target === target && (file.path === to || file.path.startsWith(`${to}/`)),
          );
          assert.deepEqual(touched, []);
        }
      });
      continue;
    }
    test(`one folder brings a line of ${name}/${output}, and takes it away`, () => {
      for (const [target, path, line] of isLine(what) ? [what] : what) {
        const added = linesIn(there, target, path, '+').filter((one) => line.test(one));
        assert.equal(
          added.length,
          1,
          `${path} on ${target}\n${linesIn(there, target, path, '+').join('\n')}`,
        );
        const removed = linesIn(back, target, path, '-').filter((one) => line.test(one));
        assert.deepEqual(removed, added);
        const own = placesOf(`${name}/${output}`).some(
          (one) => one.target === target && path.startsWith(one.to ?? ''),
        );
        assert.ok(own, `${path} is of ${name}/${output}`);
      }
    });
  }
}
