import { migrations } from '../../schema/db/migrations.ts';
import { type MigrationOutcome, migrate } from './migrate.ts';
import type { Database } from './port.ts';

/** Brings a database to the newest version that this program knows, as `migrate` does. */
export const migrateToNewest = (database: Database): Promise<MigrationOutcome> =>
  migrate(database, migrations);
