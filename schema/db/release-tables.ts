import {
  blob as bytesOf,
  index,
  integer,
  primaryKey,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';

/** Tables of releases, in the manner of tables.ts. */

/** What releases hold, by its digest: manifests, parts, files, age files. */
export const blob = sqliteTable(
  'blob',
  {
    digest: text().primaryKey(),
    size: integer().notNull(),
    /** When it was uploaded or asked for last. */
    created_at: integer().notNull(),
  },
  (t) => [index('blob_age').on(t.created_at)],
);

/** A blob's bytes, cut up: servers of databases refuse values of some megabytes. A trigger lets them go with their blob. */
export const blobPiece = sqliteTable(
  'blob_piece',
  { digest: text().notNull(), piece: integer().notNull(), bytes: bytesOf({ mode: 'buffer' }).notNull() },
  (t) => [primaryKey({ columns: [t.digest, t.piece] })],
);

/** Which blobs a part names, itself among them. A trigger refuses what is not there. */
export const partBlob = sqliteTable('part_blob', { part: text().notNull(), blob: text().notNull() }, (t) => [
  primaryKey({ columns: [t.part, t.blob] }),
  index('part_blob_blob').on(t.blob),
]);

/** A release on its way to its targets. `revision` is raised as a command's is. */
export const deployment = sqliteTable(
  'deployment',
  {
    id: text().primaryKey(),
    /** Of the order's bytes, as it was signed: what receipts name. */
    digest: text().notNull(),
    /** The manifest's. */
    release: text().notNull(),
    /** base64url of the order's bytes. */
    bytes: text().notNull(),
    authorisation: text().notNull(),
    signer: text().notNull(),
    run_id: integer().notNull(),
    run_attempt: integer().notNull(),
    desk: integer().notNull(),
    principal: text().notNull(),
    created_at: integer().notNull(),
    ended_at: integer(),
    revision: integer().notNull(),
  },
  (t) => [uniqueIndex('deployment_digest').on(t.digest), index('deployment_open').on(t.ended_at)],
);

/** Of orders that a token of GitHub's authorises: what is needed once it has expired. */
export const releaseToken = sqliteTable('release_token', {
  deployment: text().primaryKey(),
  /** Of its text. */
  token: text().notNull(),
  expires: integer().notNull(),
  /** A notary's attestation of it, once one came. */
  time: text(),
});

/** The parts of orders, and how far each has come. A trigger refuses an order that is not above all of its target. */
export const deploymentTarget = sqliteTable(
  'deployment_target',
  {
    deployment: text().notNull(),
    /** Its index in the order. */
    part: integer().notNull(),
    relay: text().notNull(),
    target: text().notNull(),
    digest: text().notNull(),
    state: text().notNull(),
    code: text(),
    result_json: text(),
    /** Whether a receipt of the relay ended it; otherwise this side did. */
    receipted: integer().notNull(),
    started_at: integer(),
    ended_at: integer(),
    /** How often it went out in an envelope, and the last of these. */
    offers: integer().notNull(),
    lease_session: text(),
    lease_seq: integer(),
    lease_until: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.deployment, t.part] }),
    index('deployment_target_relay').on(t.relay, t.state),
    index('deployment_target_target').on(t.target, t.deployment),
  ],
);
