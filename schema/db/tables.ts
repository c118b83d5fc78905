import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { blob, blobPiece, deployment, deploymentTarget, partBlob, releaseToken } from './release-tables.ts';

/**
 * The control plane's tables. Property names are column names, so that a row reads the same in SQL and here.
 * Times are Unix milliseconds; columns ending in `_json` hold JSON texts; flags are 0 or 1. Triggers and
 * checks stand in migrations.ts alone: Drizzle only builds statements.
 */

/** Every version of the trust document that was ever in force. */
export const trustVersion = sqliteTable('trust_version', {
  version: integer().primaryKey(),
  digest: text().notNull(),
  jws_json: text().notNull(),
  accepted_at: integer().notNull(),
});

/** The house file as it was last uploaded; one row. */
export const houseFile = sqliteTable('house_file', {
  id: integer().primaryKey(),
  file_json: text().notNull(),
  updated_at: integer().notNull(),
});

/** What callers asked for. `revision` is raised by one with each change; a change of another revision aborts. */
export const command = sqliteTable(
  'command',
  {
    id: text().primaryKey(),
    order_json: text().notNull(),
    state: text().notNull(),
    code: text(),
    principal: text().notNull(),
    created_at: integer().notNull(),
    ended_at: integer(),
    /** When the sweep must look at it; null when nothing is due. */
    due_at: integer(),
    revision: integer().notNull(),
  },
  (t) => [index('command_state').on(t.state, t.id), index('command_due').on(t.due_at)],
);

/** The signed bytes of a command's attempts. The digest is the key: no bytes are used twice. */
export const intent = sqliteTable(
  'intent',
  {
    digest: text().primaryKey(),
    command: text().notNull(),
    attempt: integer().notNull(),
    /** base64url of the bytes that were signed. */
    bytes: text().notNull(),
    authorisation: text().notNull(),
    /** The identity of trust whose key signed. */
    signer: text().notNull(),
    issued_at: integer().notNull(),
    expires: integer().notNull(),
  },
  (t) => [uniqueIndex('intent_attempt').on(t.command, t.attempt)],
);

/** The bytes that wait for the operator's signature, as long as their command does. A trigger bounds them a caller. */
export const approval = sqliteTable(
  'approval',
  {
    command: text().primaryKey(),
    /** Who asked, as idempotency keys are scoped. */
    principal: text().notNull(),
    digest: text().notNull(),
    /** base64url of the bytes that would be signed. */
    bytes: text().notNull(),
  },
  (t) => [index('approval_principal').on(t.principal)],
);

/** The steps of intents, and how far each has come. */
export const step = sqliteTable(
  'step',
  {
    intent: text().notNull(),
    step: integer().notNull(),
    command: text().notNull(),
    attempt: integer().notNull(),
    relay: text().notNull(),
    action: text().notNull(),
    target: text().notNull(),
    params_json: text().notNull(),
    after_json: text().notNull(),
    state: text().notNull(),
    code: text(),
    result_json: text(),
    /** Whether a receipt of the relay says so; otherwise this side said it. */
    receipted: integer().notNull(),
    queued_at: integer(),
    sent_at: integer(),
    started_at: integer(),
    ended_at: integer(),
    /** The envelope that it last went out in. */
    lease_session: text(),
    lease_seq: integer(),
    lease_until: integer(),
  },
  (t) => [
    primaryKey({ columns: [t.intent, t.step] }),
    index('step_command').on(t.command, t.attempt, t.step),
    index('step_relay').on(t.relay, t.state),
    index('step_target').on(t.target, t.state),
  ],
);

/** What running commands hold. A trigger refuses a hold that conflicts with another command's. */
export const heldLock = sqliteTable(
  'held_lock',
  {
    /** `host:pve2`, `guest:gaming`, `resource:gpu0`. */
    thing: text().notNull(),
    command: text().notNull(),
    mode: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.thing, t.command] }), index('held_lock_command').on(t.command)],
);

/** Every receipt, in the chain of the relay's key. A trigger refuses one that does not continue its chain. */
export const receipt = sqliteTable(
  'receipt',
  {
    kid: text().notNull(),
    seq: integer().notNull(),
    relay: text().notNull(),
    previous: text().notNull(),
    hash: text().notNull(),
    intent: text().notNull(),
    step: integer().notNull(),
    state: text().notNull(),
    jws: text().notNull(),
    received_at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.kid, t.seq] }), index('receipt_intent').on(t.intent, t.step)],
);

/** What is known of each relay's key: its newest run, the head of its chain, its latest report. */
export const relay = sqliteTable('relay', {
  kid: text().primaryKey(),
  name: text().notNull(),
  session: text(),
  session_at: integer(),
  last_seen: integer(),
  protocol: integer(),
  trust_version: integer(),
  /** The number of the last job minted in this session. */
  job_seq: integer().notNull(),
  receipts_seq: integer().notNull(),
  receipts_hash: text().notNull(),
  report_seq: integer().notNull(),
  report_jws: text(),
  report_json: text(),
  report_at: integer(),
});

/** Runs of relays that were seen: the newest alone is served. */
export const relaySession = sqliteTable(
  'relay_session',
  {
    kid: text().notNull(),
    session: text().notNull(),
    first_seen: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.kid, t.session] })],
);

/** Codes that let a relay enrol once, and what came of them. */
export const enrolment = sqliteTable(
  'enrolment',
  {
    code: text().primaryKey(),
    relay: text().notNull(),
    controller_key: text().notNull(),
    expires: integer().notNull(),
    enrolled_at: integer(),
    kid: text(),
    jwk_json: text(),
    statement: text(),
    owner_mac: text(),
  },
  (t) => [uniqueIndex('enrolment_kid').on(t.kid)],
);

/** Phone tokens by their id; the token itself is nowhere. */
export const token = sqliteTable('token', {
  id: text().primaryKey(),
  name: text().notNull(),
  scope_json: text().notNull(),
  created_at: integer().notNull(),
  expires_at: integer().notNull(),
  revoked_at: integer(),
  last_used_at: integer(),
});

/** What an idempotency key of a principal was used for. */
export const idempotency = sqliteTable(
  'idempotency',
  {
    principal: text().notNull(),
    key: text().notNull(),
    route: text().notNull(),
    body: text().notNull(),
    /** The id of the command or token that it made. */
    made: text().notNull(),
    created_at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.principal, t.key] }), index('idempotency_age').on(t.created_at)],
);

/** The audit log. Rows come with the fact; `previous` and `hash` are set in order afterwards, once. */
export const audit = sqliteTable(
  'audit',
  {
    seq: integer().primaryKey(),
    time: integer().notNull(),
    event: text().notNull(),
    principal: text().notNull(),
    facts_json: text().notNull(),
    previous: text(),
    hash: text(),
  },
  (t) => [index('audit_unsealed').on(t.hash, t.seq)],
);

/** Nonces of proofs that changed something, until they would be too old anyway. */
export const proofNonce = sqliteTable(
  'proof_nonce',
  {
    kid: text().notNull(),
    nonce: text().notNull(),
    expires: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.kid, t.nonce] }), index('proof_nonce_expires').on(t.expires)],
);

/** All tables, for the comparison with the migrated database. */
export const tables = {
  trustVersion,
  houseFile,
  command,
  intent,
  approval,
  step,
  heldLock,
  receipt,
  relay,
  relaySession,
  enrolment,
  token,
  idempotency,
  audit,
  proofNonce,
  blob,
  blobPiece,
  partBlob,
  deployment,
  deploymentTarget,
  releaseToken,
} as const;
