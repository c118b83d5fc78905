import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgres } from '../../../../src/config/generate/postgres.ts';
import { generateFor, homeOf } from '../../../support/compiled-home.ts';
import { databaseHome, databasePlace, hbaOf, scriptOf } from '../../../support/database-home.ts';
import { buildTree } from '../../../support/repo-fixture.ts';

const linesOf = (text: string): string[] => text.split('\n');
const codesOf = async (changes: Parameters<typeof buildTree>[1]): Promise<string[]> =>
  (await buildTree(databaseHome, changes)).findings
    .filter(({ code }) => code !== 'secret_missing')
    .map(({ file, code, message }) => `${file} ${code}: ${message}`);

test('each role is made once, with the password of its secret, and each database with its owner', () => {
  const script = scriptOf();
  assert.match(script, /^-- Made by Writ for apps\/databases\/app\.yaml \(generate: postgres\/roles\)/);
  for (const name of ['graf', 'wiki']) {
    const made = linesOf(script).filter((line) => line.includes(`'CREATE ROLE "${name}"'`));
    assert.equal(made.length, 1, name);
  }
  assert.ok(linesOf(script).includes("\\set password `cat '/run/secrets/wiki_pg' && echo`"));
  assert.match(script, /CREATE DATABASE "wiki" OWNER "wiki"/);
  assert.match(script, /CREATE DATABASE "charts" OWNER "graf"/);
  assert.ok(linesOf(script).includes('-- graf on web, report on web'));
  assert.ok(linesOf(script).includes('REVOKE CONNECT ON DATABASE "wiki" FROM PUBLIC;'));
  assert.ok(
    linesOf(scriptOf({ secrets: '/run/pg' })).includes("\\set password `cat '/run/pg/wiki_pg' && echo`"),
  );
});

test('pg_hba.conf has a line for each that connects: here by its network, from elsewhere by its address with TLS', () => {
  assert.deepEqual(linesOf(hbaOf()).slice(2), [
    'local    all  "postgres"  peer',
    'host     "wiki"  "wiki"  samenet  scram-sha-256',
    'host     all  "postgres"  samenet  scram-sha-256',
    'hostssl  "charts"  "graf"  100.64.0.12/32  scram-sha-256',
    'hostssl  "charts"  "graf"  127.0.0.12/32  scram-sha-256',
    '',
  ]);
  const other = hbaOf({
    tls: false,
    here: ['127.0.0.1/32'],
    superuser: 'admin',
    hba: ['host all all all reject'],
  });
  assert.deepEqual(linesOf(other).slice(2), [
    'local    all  "admin"  peer',
    'host     "charts"  "graf"  100.64.0.12/32  scram-sha-256',
    'host     "charts"  "graf"  127.0.0.12/32  scram-sha-256',
    'host     "wiki"  "wiki"  127.0.0.1/32  scram-sha-256',
    'host     all  "admin"  127.0.0.1/32  scram-sha-256',
    'host all all all reject',
    '',
  ]);
});

test('a Postgres without a container of its own is reached from the machine and its containers', () => {
  const native = { ...databaseHome, 'apps/postgres/app.yaml': 'on: db\nservice: postgresql.service\n' };
  delete (native as Record<string, unknown>)['apps/postgres/postgres.container'];
  const sources = linesOf(hbaOf({}, native)).flatMap(
    (line) => /^host .*"wiki" {2}(\S+)/.exec(line)?.[1] ?? [],
  );
  assert.deepEqual(sources, ['10.89.1.0/24', 'samehost']);
});

test('a machine without an address is told', () => {
  const homelab = String(databaseHome['homelab.yaml']).replace(
    'address: 127.0.0.12, tailnet: 100.64.0.12, ',
    '',
  );
  const { home } = homeOf({ ...databaseHome, 'homelab.yaml': homelab });
  const { doubts } = generateFor(postgres, 'hba', home, { app: 'postgres', target: 'db' });
  assert.deepEqual(
    [...new Set(doubts.map(({ code, message }) => `${code}: ${message}`))],
    [
      'address_missing: graf cannot reach postgres on db: web states no address in homelab.yaml',
      'address_missing: report cannot reach postgres on db: web states no address in homelab.yaml',
    ],
  );
});

test('what runs the script has the passwords, by its unit’s drop-in', async () => {
  const { home } = homeOf(databaseHome);
  const { made } = generateFor(postgres, 'passwords', home, databasePlace, { uid: 70 });
  assert.deepEqual(linesOf((made as { text: string }).text).slice(1), [
    '[Container]',
    'Secret=graf_pg,type=mount,uid=70,mode=0400',
    'Secret=wiki_pg,type=mount,uid=70,mode=0400',
    '',
  ]);
  const { secrets } = home.instances.find(({ app }) => app === 'databases')!;
  assert.deepEqual(secrets, ['graf_pg', 'postgres_password', 'wiki_pg']);
  assert.deepEqual(await codesOf({}), []);
});

test('several roles of one database: the one of its name owns it, or the one that options name', async () => {
  const reader =
    'on: web\nuses: [{ postgres: { on: db, database: wiki, role: reader, password: reader_pg } }]\n';
  const lines = linesOf(scriptOf({}, { ...databaseHome, 'apps/reader/app.yaml': reader }));
  assert.ok(lines.some((line) => line.includes('CREATE DATABASE "wiki" OWNER "wiki"')));
  assert.ok(lines.includes('GRANT CONNECT ON DATABASE "wiki" TO "reader";'));
  const charts = reader.replace('database: wiki', 'database: charts');
  assert.deepEqual(await codesOf({ 'apps/reader/app.yaml': charts }), [
    'apps/databases/app.yaml owner_unclear: the database charts is used by the roles graf and reader; whose is it?',
  ]);
  const owned = linesOf(
    scriptOf({ owners: { charts: 'reader' } }, { ...databaseHome, 'apps/reader/app.yaml': charts }),
  );
  assert.ok(owned.some((line) => line.includes('CREATE DATABASE "charts" OWNER "reader"')));
  assert.ok(owned.includes('GRANT CONNECT ON DATABASE "charts" TO "graf";'));
});

test('options about what nobody uses are told, and what would break out of its line is refused', () => {
  const doubtsOf = (options: object): string[] =>
    generateFor(postgres, 'roles', homeOf(databaseHome).home, databasePlace, options as never).doubts.map(
      ({ code, message }) => `${code}: ${message}`,
    );
  assert.deepEqual(doubtsOf({ extensions: { wki: ['pg_trgm'] } }), [
    'wrong_option: options.extensions names the database wki, which no app uses',
  ]);
  assert.deepEqual(doubtsOf({ owners: { wiki: 'graf' } }), [
    'owner_unclear: the database wiki is not used by the role graf, whose it is to be',
  ]);
  for (const options of [
    { extensions: { wiki: ['a"; DROP DATABASE x; --'] } },
    { secrets: "/run/$(reboot)'" },
    { secrets: '/run/a b' },
    { sql: ['a\nb'] },
    { hba: ['a\nb'] },
    { superuser: 'a b' },
    { owner: {} },
  ]) {
    assert.match(doubtsOf(options).join(), /^wrong_option: /, JSON.stringify(options));
  }
});

test('names that Postgres keeps for itself, or that need quotes, are refused where they stand', async () => {
  for (const name of [
    'postgres',
    'pg_monitor',
    'public',
    'none',
    'template1',
    'a"b',
    "a'; --",
    'A',
    'a-b',
    '$x',
  ]) {
    for (const use of [
      { database: name, role: 'wiki', password: 'wiki_pg' },
      { database: 'wiki', role: name, password: 'wiki_pg' },
    ]) {
      const app = JSON.stringify({ on: 'db', uses: [{ postgres: use }] });
      assert.match(
        (await codesOf({ 'apps/other/app.yaml': app })).join(),
        /^apps\/other\/app\.yaml wrong_value/,
        name,
      );
    }
  }
});

test('a home whose apps use a database, and where nothing makes it, is warned', async () => {
  const app = 'on: db\nsecrets: [postgres_password]\nuses: [postgres]\n';
  const codes = await codesOf({
    'apps/databases/app.yaml': app,
    'apps/databases/databases.container': undefined,
  });
  assert.deepEqual(codes, [
    'homelab.yaml generator_unplaced: postgres/roles has entries and no place: wiki uses the database wiki',
  ]);
});
