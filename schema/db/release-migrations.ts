import type { Migration } from './migration.ts';

/** What the schema's history has of releases, in the manner of migrations.ts. */

export const releases: Migration = {
  version: 2,
  name: 'blobs, releases and their deployments',
  statements: [
    `CREATE TABLE blob (
      digest TEXT PRIMARY KEY NOT NULL,
      size INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    )`,
    'CREATE INDEX blob_age ON blob (created_at)',
    `CREATE TABLE blob_piece (
      digest TEXT NOT NULL,
      piece INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (digest, piece)
    )`,
    `CREATE TRIGGER blob_goes AFTER DELETE ON blob
      BEGIN DELETE FROM blob_piece WHERE digest = OLD.digest; END`,
    `CREATE TABLE part_blob (
      part TEXT NOT NULL,
      blob TEXT NOT NULL,
      PRIMARY KEY (part, blob)
    ) WITHOUT ROWID`,
    'CREATE INDEX part_blob_blob ON part_blob (blob)',
    `CREATE TRIGGER part_blob_there BEFORE INSERT ON part_blob
      WHEN NOT EXISTS (SELECT 1 FROM blob WHERE blob.digest = NEW.blob)
      BEGIN SELECT RAISE(ABORT, 'blob_missing'); END`,
    `CREATE TABLE deployment (
      id TEXT PRIMARY KEY NOT NULL,
      digest TEXT NOT NULL,
      release TEXT NOT NULL,
      bytes TEXT NOT NULL,
      authorisation TEXT NOT NULL,
      signer TEXT NOT NULL,
      run_id INTEGER NOT NULL,
      run_attempt INTEGER NOT NULL,
      desk INTEGER NOT NULL,
      principal TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      revision INTEGER NOT NULL
    )`,
    'CREATE UNIQUE INDEX deployment_digest ON deployment (digest)',
    'CREATE INDEX deployment_open ON deployment (ended_at)',
    `CREATE TRIGGER deployment_release_there BEFORE INSERT ON deployment
      WHEN NOT EXISTS (SELECT 1 FROM blob WHERE blob.digest = NEW.release)
      BEGIN SELECT RAISE(ABORT, 'blob_missing'); END`,
    `CREATE TRIGGER deployment_revision BEFORE UPDATE ON deployment
      WHEN NEW.revision <> OLD.revision + 1
      BEGIN SELECT RAISE(ABORT, 'stale'); END`,
    `CREATE TABLE deployment_target (
      deployment TEXT NOT NULL,
      part INTEGER NOT NULL,
      relay TEXT NOT NULL,
      target TEXT NOT NULL,
      digest TEXT NOT NULL,
      state TEXT NOT NULL,
      code TEXT,
      result_json TEXT,
      receipted INTEGER NOT NULL,
      started_at INTEGER,
      ended_at INTEGER,
      offers INTEGER NOT NULL,
      lease_session TEXT,
      lease_seq INTEGER,
      lease_until INTEGER,
      PRIMARY KEY (deployment, part)
    )`,
    'CREATE INDEX deployment_target_relay ON deployment_target (relay, state)',
    'CREATE INDEX deployment_target_target ON deployment_target (target, deployment)',
    // Whatever else was accepted meanwhile: one part waits for a target at a time, and a target's orders go up.
    `CREATE TRIGGER deployment_target_waits BEFORE INSERT ON deployment_target
      WHEN EXISTS (
        SELECT 1 FROM deployment_target AS held
        WHERE held.target = NEW.target AND held.state = 'pending' AND held.started_at IS NULL
      )
      BEGIN SELECT RAISE(ABORT, 'stale'); END`,
    `CREATE TRIGGER deployment_target_order BEFORE INSERT ON deployment_target
      WHEN EXISTS (
        SELECT 1 FROM deployment_target AS held
        JOIN deployment AS before ON before.id = held.deployment
        JOIN deployment AS made ON made.id = NEW.deployment
        WHERE held.target = NEW.target
          AND (before.run_id, before.run_attempt, before.desk) >= (made.run_id, made.run_attempt, made.desk)
      )
      BEGIN SELECT RAISE(ABORT, 'order_below'); END`,
  ],
};

export const releaseTokens: Migration = {
  version: 3,
  name: 'tokens of GitHub that authorise releases',
  statements: [
    `CREATE TABLE release_token (
      deployment TEXT NOT NULL PRIMARY KEY,
      token TEXT NOT NULL,
      expires INTEGER NOT NULL,
      time TEXT
    )`,
  ],
};

export const unbegunOrders: Migration = {
  version: 5,
  name: 'orders that never began keep no lower ones from a target',
  statements: [
    'DROP TRIGGER deployment_target_order',
    // A target's orders go up, but for those that ended before a relay began them, and those that these passed over: of
    // a run of a workflow that came to nothing, the desk does not take the number. Relays count what a limit kept back.
    `CREATE TRIGGER deployment_target_order BEFORE INSERT ON deployment_target
      WHEN EXISTS (
        SELECT 1 FROM deployment_target AS held
        JOIN deployment AS before ON before.id = held.deployment
        JOIN deployment AS made ON made.id = NEW.deployment
        WHERE held.target = NEW.target
          AND (before.run_id, before.run_attempt, before.desk) >= (made.run_id, made.run_attempt, made.desk)
          AND NOT (held.started_at IS NULL AND held.state = 'failed' AND held.code IS NOT 'limit_reached')
          AND NOT (held.started_at IS NULL AND held.state = 'superseded' AND EXISTS (
            SELECT 1 FROM deployment_target AS other JOIN deployment AS above ON above.id = other.deployment
            WHERE other.target = held.target
              AND (above.run_id, above.run_attempt, above.desk) > (before.run_id, before.run_attempt, before.desk)
          ))
      )
      BEGIN SELECT RAISE(ABORT, 'order_below'); END`,
  ],
};
