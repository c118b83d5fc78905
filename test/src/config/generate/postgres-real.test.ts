import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { databaseHome, hbaOf, scriptOf } from '../../../support/database-home.ts';
import { missing } from '../../../support/missing.ts';
import { findPostgres, startPostgres, type TestPostgres } from '../../../support/postgres.ts';

const words = { graf_pg: 'of charts', wiki_pg: 'of the wiki' };
type Options = Parameters<typeof scriptOf>[0];

/** Runs the script as the container does, with the passwords in files. */
function runScript(
  server: TestPostgres,
  passwords: Readonly<Record<string, string | Uint8Array>>,
  options: Options = {},
  tree = databaseHome,
  as = 'postgres',
): { readonly status: number | null; readonly said: string } {
  const folder = mkdtempSync(join(server.folder, 'run-'));
  for (const [name, value] of Object.entries(passwords)) writeFileSync(join(folder, name), value);
  const file = join(folder, 'roles.sql');
  writeFileSync(file, scriptOf({ ...options, secrets: folder }, tree));
  // Whoever runs the server must come to the files.
  server.share(folder);
  const { status, out, err } = server.run('psql', ['--no-psqlrc', '--quiet', `--file=${file}`], {
    PGUSER: as,
  });
  rmSync(folder, { recursive: true });
  return { status, said: `${out}${err}` };
}

const must = (...given: Parameters<typeof runScript>): void => {
  const { status, said } = runScript(...given);
  assert.equal(status, 0, said);
};

/** Everything that the script could have changed. */
const stateOf = (server: TestPostgres): string =>
  [
    server.run('pg_dumpall', ['--globals-only']).out,
    server.ask('SELECT datname, datdba::regrole, datacl FROM pg_database ORDER BY 1'),
    server.ask("SELECT xmin, rolname FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 2"),
  ]
    .join('\n')
    // A word that no two dumps share.
    .replaceAll(/^\\(un)?restrict .*$/gm, '');

const found = findPostgres();
if (found === null) missing('Postgres (initdb, psql), which judges the SQL and pg_hba.conf');
else {
  describe(`judged by ${found.version}`, () => {
    let server: TestPostgres;
    before(async () => {
      server = await startPostgres();
    });
    after(() => server.stop());

    test('the script makes roles and databases, and nothing the second time', () => {
      server.empty();
      must(server, words);
      const first = stateOf(server);
      assert.match(first, /CREATE ROLE graf;\n/);
      assert.match(first, /wiki\|wiki\|\{=T\/wiki,wiki=CTc\/wiki\}/);
      assert.match(first, /charts\|graf\|/);
      assert.equal(
        server.ask("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = 'wiki'"),
        'f',
      );
      must(server, words);
      assert.equal(stateOf(server), first);
    });

    test('a password is what its file holds, whatever that is, and stands in no log', async () => {
      server.empty();
      server.takeHba('host all all 127.0.0.1/32 scram-sha-256\n');
      const hard = [
        `it's "quoted" \\ and \\\\ $$ $writ$ %s :'x' :x \`date\` ; DROP TABLE t; --`,
        'two\nlines',
        'a line end behind\n',
        '\n',
        ' spaces around ',
        'ümläut 漢字',
        'x'.repeat(65),
        '\\',
      ];
      for (const password of hard) {
        must(server, { ...words, wiki_pg: password });
        const login = { from: '127.0.0.1', user: 'wiki', database: 'wiki' };
        assert.equal(await server.enter({ ...login, password }), 'wiki', JSON.stringify(password));
        assert.match(
          await server.enter({ ...login, password: `${password}x` }),
          /password authentication failed/,
        );
        const row = "SELECT xmin FROM pg_authid WHERE rolname = 'wiki'";
        const before = server.ask(row);
        must(server, { ...words, wiki_pg: password });
        assert.equal(server.ask(row), before, `${JSON.stringify(password)} is known again`);
      }
      const log = server.log();
      assert.match(log, /log_statement/, 'the log tells of statements');
      for (const word of ['of charts', 'DROP TABLE t', 'line end behind', 'spaces around']) {
        assert.ok(!log.includes(word), word);
      }
    });

    test('a password stands in no statistics', (t) => {
      server.empty();
      if (server.ask("SELECT name FROM pg_available_extensions WHERE name = 'pg_stat_statements'") === '')
        return missing('pg_stat_statements, which keeps what was run');
      server.ask("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
      server.takeHba('');
      server.ask('CREATE EXTENSION pg_stat_statements');
      t.after(() => {
        server.ask('DROP EXTENSION pg_stat_statements');
        server.ask('ALTER SYSTEM RESET shared_preload_libraries');
        server.takeHba('');
      });
      must(server, words);
      server.ask("ALTER ROLE wiki PASSWORD 'by hand'");
      const kept = server.ask('SELECT query FROM pg_stat_statements');
      assert.match(kept, /by hand/);
      assert.doesNotMatch(kept, /of charts|of the wiki/);
    });

    test('a password that is empty, missing or no text ends the script before anything is set', () => {
      server.empty();
      must(server, words);
      const before = stateOf(server);
      const { wiki_pg: _, ...without } = words;
      for (const [passwords, says] of [
        [{ ...words, wiki_pg: '' }, /the password of wiki is empty or could not be read; nothing was set/],
        [without, /the password of wiki is empty or could not be read; nothing was set/],
        [{ ...words, wiki_pg: Uint8Array.of(0xff, 0xfe) }, /invalid|could not/i],
      ] as const) {
        const { status, said } = runScript(server, passwords);
        assert.notEqual(status, 0);
        assert.match(said, says);
        assert.equal(stateOf(server), before);
      }
    });

    test('what was there before and is not the apps’ stays; what they use becomes theirs', () => {
      server.empty();
      server.ask("CREATE ROLE gone LOGIN PASSWORD 'x'");
      server.ask('CREATE DATABASE gone OWNER gone');
      server.ask('CREATE ROLE wiki NOLOGIN');
      server.ask('CREATE DATABASE wiki');
      server.ask('CREATE TABLE kept AS SELECT 1 AS a', 'wiki');
      must(server, words);
      assert.equal(
        server.ask("SELECT datdba::regrole, datacl IS NULL FROM pg_database WHERE datname = 'gone'"),
        'gone|t',
      );
      assert.equal(server.ask("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wiki'"), 't');
      assert.equal(server.ask("SELECT datdba::regrole FROM pg_database WHERE datname = 'wiki'"), 'wiki');
      assert.equal(server.ask('SELECT a FROM kept', 'wiki'), '1');
      // Without the app: its role and its data are nobody's business.
      const tree = { ...databaseHome, 'apps/wiki/app.yaml': 'on: db\n' };
      must(server, words, {}, tree);
      assert.equal(server.ask("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wiki'"), 't');
      assert.equal(server.ask('SELECT a FROM kept', 'wiki'), '1');
    });

    test('extensions and own lines are made once', () => {
      server.empty();
      const extension = server.ask(
        "SELECT name FROM pg_available_extensions WHERE name <> 'plpgsql' ORDER BY 1 LIMIT 1",
      );
      const options = {
        extensions: { wiki: [extension || 'plpgsql'] },
        sql: ["COMMENT ON DATABASE wiki IS 'w';", "SELECT 'run in ' || current_database();"],
      };
      // In an app's own database its names could mean something else to the superuser.
      assert.match(runScript(server, words, options).said, /run in postgres$/m);
      must(server, words, options);
      must(server, words, options);
      const there = server.ask('SELECT extname FROM pg_extension', 'wiki').split('\n');
      assert.ok(there.includes(extension || 'plpgsql'));
      assert.equal(
        server.ask("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'wiki'"),
        'w',
      );
      assert.notEqual(runScript(server, words, { extensions: { wiki: ['no-such-thing'] } }).status, 0);
    });

    test('names that are words of SQL are names', async () => {
      server.empty();
      const tree = {
        ...databaseHome,
        'apps/wiki/app.yaml':
          'on: db\nuses: [{ postgres: { database: order, role: user, password: wiki_pg } }]\n',
        'apps/graf/app.yaml':
          'on: web\nuses: [{ postgres: { on: db, database: all, role: select, password: graf_pg } }]\n',
        'apps/report/app.yaml': 'on: web\n',
      };
      must(server, words, {}, tree);
      must(server, words, {}, tree);
      assert.equal(
        server.ask(
          "SELECT string_agg(datdba::regrole::text, ' ' ORDER BY datname) FROM pg_database WHERE datname IN ('order', 'all')",
        ),
        '"select" "user"',
      );
      server.takeHba(hbaOf({}, tree));
      const rules = "SELECT database, user_name FROM pg_hba_file_rules WHERE 'select' = ANY (user_name)";
      assert.equal(server.ask(rules).split('\n')[0], '{all}|{select}');
      const login = { from: '127.0.0.12', user: 'select', password: words.graf_pg };
      assert.equal(await server.enter({ ...login, database: 'all' }), 'select');
      assert.match(await server.enter({ ...login, database: 'order' }), /no pg_hba\.conf entry/);
    });

    test('who runs the script cannot be an app’s role', () => {
      server.empty();
      server.ask('CREATE ROLE wiki SUPERUSER LOGIN');
      const { status, said } = runScript(server, words, {}, databaseHome, 'wiki');
      assert.notEqual(status, 0);
      assert.match(said, /wiki is who runs this, so no app can have it/);
    });

    test('pg_hba.conf lets in who uses a database from where it is, and nobody else', async () => {
      server.empty();
      must(server, words);
      server.takeHba(hbaOf({ here: ['127.0.0.11/32'] }));
      assert.equal(server.ask('SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL'), '0');
      const graf = { from: '127.0.0.12', user: 'graf', database: 'charts', password: words.graf_pg };
      const wiki = { from: '127.0.0.11', user: 'wiki', database: 'wiki', password: words.wiki_pg };
      assert.equal(await server.enter(graf), 'graf');
      assert.equal(await server.enter(wiki), 'wiki');
      assert.equal(await server.enter({ ...wiki, tls: false }), 'wiki');
      const none = /no pg_hba\.conf entry/;
      for (const [login, says] of [
        [{ ...graf, tls: false }, none],
        [{ ...graf, password: 'other' }, /password authentication failed/],
        [{ ...graf, database: 'wiki' }, none],
        [{ ...graf, from: '127.0.0.11' }, none],
        [{ ...graf, from: '127.0.0.13' }, none],
        [{ ...wiki, from: '127.0.0.12' }, none],
        [{ ...wiki, database: 'charts' }, none],
        [{ ...wiki, database: 'postgres' }, none],
        [{ ...graf, user: 'postgres', database: 'postgres' }, none],
      ] as const) {
        assert.match(await server.enter(login), says, JSON.stringify(login));
      }
    });

    test('where no pg_hba.conf holds them back, apps cannot enter each other’s databases', async () => {
      server.empty();
      must(server, words);
      server.takeHba('host all all all scram-sha-256\n');
      const login = { from: '127.0.0.1', user: 'graf', password: words.graf_pg };
      assert.equal(await server.enter({ ...login, database: 'charts' }), 'graf');
      assert.match(
        await server.enter({ ...login, database: 'wiki' }),
        /permission denied for database "wiki"/,
      );
    });

    test('Postgres tells of a wrong line', () => {
      server.empty();
      const text = hbaOf();
      for (const [right, wrong] of [
        ['127.0.0.12/32', '127.0.0.12/33'],
        ['scram-sha-256', 'scram'],
        ['hostssl', 'hosttls'],
      ] as const) {
        assert.ok(text.includes(right));
        assert.throws(() => server.takeHba(text.replace(right, wrong)), right);
      }
    });
  });
}
