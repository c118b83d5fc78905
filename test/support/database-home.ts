import { postgres } from '../../src/config/generate/postgres.ts';
import { generateFor, homeOf } from './compiled-home.ts';
import type { Tree } from './repo-fixture.ts';

/** A machine with Postgres, and one whose apps have databases there, at addresses that a test can come from. */
export const databaseHome: Tree = {
  'homelab.yaml': [
    'v: 1',
    'site: { domain: example.net }',
    'hosts: { pve1: {} }',
    'guests:',
    '  db:',
    '    { host: pve1, vmid: 101, address: 127.0.0.11, containers: { network: db, subnet: 10.89.1.0/24 } }',
    '  web: { host: pve1, vmid: 102, address: 127.0.0.12, tailnet: 100.64.0.12, podman: "5.4" }',
    'generators: { podman: { on: false } }',
    '',
  ].join('\n'),
  'apps/postgres/app.yaml': [
    'on: db',
    'units: [postgres.container]',
    'secrets: [postgres_password]',
    'files: [{ generate: postgres/hba, to: /etc/opt/postgres/pg_hba.conf, on_change: reload }]',
    '',
  ].join('\n'),
  'apps/postgres/postgres.container':
    '[Container]\nImage=docker.io/library/postgres:17.6\nNetwork=podman\nVolume=/etc/opt/postgres:/etc/postgresql:ro\n',
  'apps/databases/app.yaml': [
    'on: db',
    'units: [databases.container]',
    'files:',
    '  - { generate: postgres/roles, to: /etc/opt/databases/roles.sql }',
    '  - { generate: postgres/passwords, to: /etc/containers/systemd/databases.container.d/50-passwords.conf }',
    'secrets: [postgres_password]',
    'uses: [postgres]',
    '',
  ].join('\n'),
  'apps/databases/databases.container': [
    '[Container]',
    'Image=docker.io/library/postgres:17.6',
    'Network=podman',
    'Volume=/etc/opt/databases/roles.sql:/roles.sql:ro',
    'Secret=postgres_password,type=env,target=PGPASSWORD',
    '',
  ].join('\n'),
  'apps/wiki/app.yaml': 'on: db\nuses: [{ postgres: { database: wiki, password: wiki_pg } }]\n',
  'apps/graf/app.yaml':
    'on: web\nuses: [{ postgres: { on: db, database: charts, role: graf, password: graf_pg } }]\n',
  'apps/report/app.yaml':
    'on: web\nuses: [{ postgres: { on: db, database: charts, role: graf, password: graf_pg } }]\n',
};

export const databasePlace = { app: 'databases', target: 'db' };

/** The script of the home, with options. */
export const scriptOf = (options: Readonly<Record<string, unknown>> = {}, tree = databaseHome): string =>
  textOf('roles', databasePlace, options, tree);

/** pg_hba.conf of the home, with options. */
export const hbaOf = (options: Readonly<Record<string, unknown>> = {}, tree = databaseHome): string =>
  textOf('hba', { app: 'postgres', target: 'db' }, options, tree);

function textOf(
  output: string,
  place: typeof databasePlace,
  options: Readonly<Record<string, unknown>>,
  tree: Tree,
): string {
  const { made, doubts } = generateFor(postgres, output, homeOf(tree).home, place, options);
  if (made.kind !== 'file' || doubts.length > 0) throw new Error(JSON.stringify(doubts));
  return made.text;
}
