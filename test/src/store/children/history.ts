import type { Migration } from '../../../../src/store/migrate.ts';

/** A history in which each step fails when it is run twice or out of order. */
export const history: readonly Migration[] = [
  {
    version: 1,
    name: 'items',
    statements: [
      'CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)',
      "INSERT INTO item (name) VALUES ('one')",
    ],
  },
  {
    version: 2,
    name: 'sizes',
    statements: [
      'ALTER TABLE item ADD COLUMN size INTEGER NOT NULL DEFAULT 0',
      'UPDATE item SET size = size + 1',
      `CREATE TRIGGER size_stays BEFORE UPDATE OF size ON item WHEN OLD.size <> NEW.size
        BEGIN
          SELECT CASE WHEN NEW.size < 0 THEN RAISE(ABORT, 'negative') END;
          SELECT RAISE(ABORT, 'size_stays');
        END`,
    ],
  },
  { version: 3, name: 'index', statements: ['CREATE INDEX item_name ON item (name)'] },
  { version: 4, name: 'fourth', statements: ["INSERT INTO item (name, size) VALUES ('four', 4)"] },
];
