import { type Database, isStoreError, type Row, type Statement, storeError } from './port.ts';

/** One version of the schema. `statements` run in order as one atomic batch; they take no arguments. */
export type Migration = {
  /** 1 for the first, without gaps. */
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
};

/**
 * Why a database cannot be brought to the code's version.
 *
 * - `newer`: a newer program has migrated it; this one must not touch it.
 * - `different`: a version that was applied has another name here: not the same history.
 * - `failed`: a migration's own statements were refused; the versions before it stay applied.
 */
export type MigrationError = Error & {
  readonly reason: 'newer' | 'different' | 'failed';
  readonly version: number;
};

export type MigrationOutcome = { readonly from: number; readonly to: number };

const createVersions: Statement = {
  sql: `CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
  args: [],
};

/** The texts that make the schema of a version out of nothing, in their order. */
export const schemaTexts = (migrations: readonly Migration[], version: number): readonly string[] => [
  createVersions.sql,
  ...migrations.slice(0, version).flatMap(({ statements }) => statements),
];

/** Claims a version. Unless the one before it is the last, the value is NULL and the whole batch is refused. */
function claim({ version, name }: Migration): Statement {
  return {
    sql: `INSERT INTO schema_version (version, name)
      SELECT CASE WHEN coalesce(max(version), 0) = ? THEN ? END, ? FROM schema_version`,
    args: [version - 1, version, name],
  };
}

/**
 * Brings the database to the last of the migrations, each in one atomic batch. Several processes may do so at once:
 * of two that apply one version, one is refused as a whole, reads again and goes on. Migrations that are applied are
 * never run again. Rejects with MigrationError, or with the StoreError that the database gave.
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<MigrationOutcome> {
  migrations.forEach(({ version }, index) => {
    if (version !== index + 1) throw new TypeError(`migration ${index + 1} is numbered ${version}`);
  });
  const from = await appliedVersion(db, migrations);
  let at = from;
  while (at < migrations.length) {
    const next = migrations[at];
    if (next === undefined) break;
    const statements = next.statements.map((sql): Statement => ({ sql, args: [] }));
    try {
      await db.write([createVersions, claim(next), ...statements]);
      at = next.version;
    } catch (error) {
      if (!isStoreError(error)) throw migrationError('failed', next.version, describe(next), error);
      // `timeout` says nothing about the outcome, and `constraint` may mean that another was first.
      if (error.reason !== 'constraint' && error.reason !== 'timeout') throw error;
      const now = await appliedVersion(db, migrations);
      if (now <= at) {
        throw error.reason === 'timeout'
          ? error
          : migrationError('failed', next.version, describe(next), error);
      }
      at = now;
    }
  }
  return { from, to: at };
}

/** The version that the database is at, 0 before the first; refuses a history that is not this code's. */
export async function appliedVersion(
  db: Pick<Database, 'read'>,
  migrations: readonly Migration[],
): Promise<number> {
  const tables = await db.read({
    sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
    args: [],
  });
  if (tables.length === 0) return 0;
  const applied = await db.read({
    sql: 'SELECT version, name FROM schema_version ORDER BY version',
    args: [],
  });
  applied.forEach((row, index) => {
    check(row, index, migrations);
  });
  return applied.length;
}

function check({ version, name }: Row, index: number, migrations: readonly Migration[]): void {
  if (typeof version !== 'number' || version !== index + 1) {
    throw storeError('corrupt', `schema_version has ${String(version)} in place of ${index + 1}`);
  }
  const known = migrations[index];
  if (known === undefined) {
    const words = `the database is at version ${version} or later, this program knows ${migrations.length}: update it`;
    throw migrationError('newer', version, words);
  }
  if (known.name !== name) {
    const words = `version ${version} is "${String(name)}" in the database and "${known.name}" here`;
    throw migrationError('different', version, words);
  }
}

function describe({ version, name }: Migration): string {
  return `migration ${version} (${name}) was refused`;
}

function migrationError(
  reason: MigrationError['reason'],
  version: number,
  message: string,
  cause?: unknown,
): MigrationError {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = 'MigrationError';
  return Object.assign(error, { reason, version });
}
