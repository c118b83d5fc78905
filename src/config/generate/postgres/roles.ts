import { madeFor } from '../shared/outputs.ts';
import type { AskedDatabase, AskedRole } from './asked.ts';
import type { PostgresOptions } from './options.ts';

/**
 * Whether a role has a password already, told from what Postgres keeps of it (RFC 5802, RFC 7677), so that running the
 * script again changes nothing, not even the salt. One of signs that SASLprep changes is set each time.
 */
const passwordFunction = `CREATE FUNCTION pg_temp.writ_lacks(role_name text, password text) RETURNS boolean LANGUAGE plpgsql AS $writ$
DECLARE
  kept text[] := (SELECT regexp_match(rolpassword, '^SCRAM-SHA-256[$](\\d+):([^$]+)[$]([^:]+):') FROM pg_authid WHERE rolname = role_name);
  key bytea := convert_to(password, 'UTF8');
  inner_pad bytea := decode(repeat('36', 64), 'hex');
  outer_pad bytea := decode(repeat('5c', 64), 'hex');
  block bytea;
  salted bit(256) := repeat('0', 256)::bit(256);
BEGIN
  IF password = '' THEN
    RAISE EXCEPTION 'the password of % is empty or could not be read; nothing was set', role_name;
  ELSIF role_name = session_user THEN
    RAISE EXCEPTION '% is who runs this, so no app can have it', role_name;
  ELSIF kept IS NULL THEN
    RETURN true;
  END IF;
  IF length(key) > 64 THEN key := sha256(key); END IF;
  FOR i IN 0 .. length(key) - 1 LOOP
    inner_pad := set_byte(inner_pad, i, get_byte(key, i) # 54);
    outer_pad := set_byte(outer_pad, i, get_byte(key, i) # 92);
  END LOOP;
  block := decode(kept[2], 'base64') || '\\x00000001'::bytea;
  FOR i IN 1 .. kept[1]::integer LOOP
    block := sha256(outer_pad || sha256(inner_pad || block));
    salted := salted # ('x' || encode(block, 'hex'))::bit(256);
  END LOOP;
  inner_pad := decode(repeat('36', 64), 'hex');
  outer_pad := decode(repeat('5c', 64), 'hex');
  FOR i IN 0 .. 31 LOOP
    inner_pad := set_byte(inner_pad, i, substring(salted FROM i * 8 + 1 FOR 8)::integer # 54);
    outer_pad := set_byte(outer_pad, i, substring(salted FROM i * 8 + 1 FOR 8)::integer # 92);
  END LOOP;
  RETURN encode(sha256(sha256(outer_pad || sha256(inner_pad || convert_to('Client Key', 'UTF8')))), 'base64') <> kept[3];
END
$writ$;`;

const head = (app: string): string => `-- ${madeFor(app, 'postgres/roles')}
-- For a superuser: psql --no-psqlrc --file=…
-- It makes what apps use and is missing. What no app uses any more stays as it is, with its data.
\\set ON_ERROR_STOP on
\\set writ_database :DBNAME
\\encoding UTF8
-- Passwords are in no log, and in no statistics.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track = 'none';
SET pgaudit.log = 'none';
SET password_encryption = 'scram-sha-256';

${passwordFunction}
`;

/** The whole script. Names hold nothing that quotes would not hold; passwords stand in files. */
export const rolesScript = (
  app: string,
  roles: readonly AskedRole[],
  databases: readonly AskedDatabase[],
  { secrets, sql }: PostgresOptions,
): string =>
  [
    head(app),
    ...roles.map((role) => roleText(role, secrets)),
    ...databases.map(databaseText),
    ...databases.flatMap(extensionText),
    ...(sql.length > 0 ? [...backText(databases), `${sql.join('\n')}\n`] : []),
  ].join('\n');

/** psql takes one line end off what a command prints; the one of `echo`, so that the password is what the file holds. */
const roleText = ({ name, password, users }: AskedRole, secrets: string): string => `-- ${users.join(', ')}
SELECT 'CREATE ROLE "${name}"' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') \\gexec
SELECT 'ALTER ROLE "${name}" LOGIN' WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}' AND NOT rolcanlogin) \\gexec
\\set password \`cat '${secrets}/${password}' && echo\`
SELECT pg_temp.writ_lacks('${name}', :'password') AS lacks \\gset
\\if :lacks
ALTER ROLE "${name}" PASSWORD :'password';
\\endif
\\unset password
`;

const databaseText = ({ name, owner, others }: AskedDatabase): string =>
  `SELECT 'CREATE DATABASE "${name}" OWNER "${owner}"' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec
SELECT 'ALTER DATABASE "${name}" OWNER TO "${owner}"' WHERE EXISTS (SELECT FROM pg_database WHERE datname = '${name}' AND datdba <> '"${owner}"'::regrole) \\gexec
REVOKE CONNECT ON DATABASE "${name}" FROM PUBLIC;
${others.map((role) => `GRANT CONNECT ON DATABASE "${name}" TO "${role}";\n`).join('')}`;

const extensionText = ({ name, extensions }: AskedDatabase): string[] =>
  extensions.length === 0
    ? []
    : [
        [
          `\\connect -reuse-previous=on "${name}"`,
          'SET client_min_messages = warning;',
          ...extensions.map((one) => `CREATE EXTENSION IF NOT EXISTS "${one}";`),
          '',
        ].join('\n'),
      ];

/** In an app's database its role says what names mean: the owner's lines are run where the script began. */
const backText = (databases: readonly AskedDatabase[]): string[] =>
  databases.some(({ extensions }) => extensions.length > 0)
    ? ['\\connect -reuse-previous=on :"writ_database"\n']
    : [];
