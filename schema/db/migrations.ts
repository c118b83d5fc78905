import type { Migration } from './migration.ts';
import { releases, releaseTokens, unbegunOrders } from './release-migrations.ts';

const first: Migration = {
  version: 1,
  name: 'trust, commands, relays, tokens and the audit log',
  statements: [
    `CREATE TABLE trust_version (
      version INTEGER PRIMARY KEY,
      digest TEXT NOT NULL,
      jws_json TEXT NOT NULL,
      accepted_at INTEGER NOT NULL
    )`,
    `CREATE TABLE house_file (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      file_json TEXT NOT NULL,
      updated_at INTEGER NOT NULL
    )`,
    `CREATE TABLE command (
      id TEXT PRIMARY KEY NOT NULL,
      order_json TEXT NOT NULL,
      state TEXT NOT NULL,
      code TEXT,
      principal TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      ended_at INTEGER,
      due_at INTEGER,
      revision INTEGER NOT NULL
    )`,
    'CREATE INDEX command_state ON command (state, id)',
    'CREATE INDEX command_due ON command (due_at)',
    // Who changes a command states the revision after the one that it read. Another change in between
    // makes that number wrong, and the whole batch is undone.
    `CREATE TRIGGER command_revision BEFORE UPDATE ON command
      WHEN NEW.revision <> OLD.revision + 1
      BEGIN SELECT RAISE(ABORT, 'stale'); END`,
    `CREATE TABLE intent (
      digest TEXT PRIMARY KEY NOT NULL,
      command TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      bytes TEXT NOT NULL,
      authorisation TEXT NOT NULL,
      signer TEXT NOT NULL,
      issued_at INTEGER NOT NULL,
      expires INTEGER NOT NULL
    )`,
    'CREATE UNIQUE INDEX intent_attempt ON intent (command, attempt)',
    `CREATE TABLE step (
      intent TEXT NOT NULL,
      step INTEGER NOT NULL,
      command TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      relay TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      params_json TEXT NOT NULL,
      after_json TEXT NOT NULL,
      state TEXT NOT NULL,
      code TEXT,
      result_json TEXT,
      receipted INTEGER NOT NULL,
      queued_at INTEGER,
      sent_at INTEGER,
      started_at INTEGER,
      ended_at INTEGER,
      lease_session TEXT,
      lease_seq INTEGER,
      lease_until INTEGER,
      PRIMARY KEY (intent, step)
    )`,
    'CREATE INDEX step_command ON step (command, attempt, step)',
    'CREATE INDEX step_relay ON step (relay, state)',
    'CREATE INDEX step_target ON step (target, state)',
    `CREATE TABLE held_lock (
      thing TEXT NOT NULL,
      command TEXT NOT NULL,
      mode TEXT NOT NULL CHECK (mode IN ('shared', 'exclusive')),
      PRIMARY KEY (thing, command)
    )`,
    'CREATE INDEX held_lock_command ON held_lock (command)',
    `CREATE TRIGGER held_lock_conflict BEFORE INSERT ON held_lock
      WHEN EXISTS (
        SELECT 1 FROM held_lock AS other
        WHERE other.thing = NEW.thing AND other.command <> NEW.command
          AND (other.mode = 'exclusive' OR NEW.mode = 'exclusive')
      )
      BEGIN SELECT RAISE(ABORT, 'lock_conflict'); END`,
    `CREATE TABLE receipt (
      kid TEXT NOT NULL,
      seq INTEGER NOT NULL,
      relay TEXT NOT NULL,
      previous TEXT NOT NULL,
      hash TEXT NOT NULL,
      intent TEXT NOT NULL,
      step INTEGER NOT NULL,
      state TEXT NOT NULL,
      jws TEXT NOT NULL,
      received_at INTEGER NOT NULL,
      PRIMARY KEY (kid, seq)
    )`,
    'CREATE INDEX receipt_intent ON receipt (intent, step)',
    `CREATE TRIGGER receipt_continues BEFORE INSERT ON receipt
      WHEN NOT EXISTS (
        SELECT 1 FROM relay
        WHERE relay.kid = NEW.kid AND relay.receipts_seq = NEW.seq - 1 AND relay.receipts_hash = NEW.previous
      )
      BEGIN SELECT RAISE(ABORT, 'receipt_chain'); END`,
    `CREATE TRIGGER receipt_is_head AFTER INSERT ON receipt
      BEGIN
        UPDATE relay SET receipts_seq = NEW.seq, receipts_hash = NEW.hash WHERE kid = NEW.kid;
      END`,
    `CREATE TRIGGER receipt_stays BEFORE DELETE ON receipt
      BEGIN SELECT RAISE(ABORT, 'receipt_immutable'); END`,
    `CREATE TRIGGER receipt_is_fixed BEFORE UPDATE ON receipt
      BEGIN SELECT RAISE(ABORT, 'receipt_immutable'); END`,
    `CREATE TABLE relay (
      kid TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      session TEXT,
      session_at INTEGER,
      last_seen INTEGER,
      protocol INTEGER,
      trust_version INTEGER,
      job_seq INTEGER NOT NULL,
      receipts_seq INTEGER NOT NULL,
      receipts_hash TEXT NOT NULL,
      report_seq INTEGER NOT NULL,
      report_jws TEXT,
      report_json TEXT,
      report_at INTEGER
    )`,
    `CREATE TABLE relay_session (
      kid TEXT NOT NULL,
      session TEXT NOT NULL,
      first_seen INTEGER NOT NULL,
      PRIMARY KEY (kid, session)
    )`,
    `CREATE TABLE enrolment (
      code TEXT PRIMARY KEY NOT NULL,
      relay TEXT NOT NULL,
      controller_key TEXT NOT NULL,
      expires INTEGER NOT NULL,
      enrolled_at INTEGER,
      kid TEXT,
      jwk_json TEXT,
      statement TEXT,
      owner_mac TEXT
    )`,
    'CREATE UNIQUE INDEX enrolment_kid ON enrolment (kid)',
    `CREATE TRIGGER enrolment_once BEFORE UPDATE ON enrolment
      WHEN OLD.kid IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'code_used'); END`,
    `CREATE TABLE token (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      scope_json TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      revoked_at INTEGER,
      last_used_at INTEGER
    )`,
    `CREATE TRIGGER token_revoked_once BEFORE UPDATE OF revoked_at ON token
      WHEN OLD.revoked_at IS NOT NULL
      BEGIN SELECT RAISE(ABORT, 'token_revoked'); END`,
    `CREATE TABLE idempotency (
      principal TEXT NOT NULL,
      key TEXT NOT NULL,
      route TEXT NOT NULL,
      body TEXT NOT NULL,
      made TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (principal, key)
    )`,
    'CREATE INDEX idempotency_age ON idempotency (created_at)',
    `CREATE TABLE audit (
      seq INTEGER PRIMARY KEY,
      time INTEGER NOT NULL,
      event TEXT NOT NULL,
      principal TEXT NOT NULL,
      facts_json TEXT NOT NULL,
      previous TEXT,
      hash TEXT
    )`,
    'CREATE INDEX audit_unsealed ON audit (hash, seq)',
    // A seal is set once, and what is sealed stays: whoever edits the file by hand is caught by the chain.
    `CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
      WHEN OLD.hash IS NOT NULL OR NEW.seq <> OLD.seq OR NEW.time <> OLD.time OR NEW.event <> OLD.event
        OR NEW.principal <> OLD.principal OR NEW.facts_json <> OLD.facts_json
      BEGIN SELECT RAISE(ABORT, 'audit_immutable'); END`,
    `CREATE TRIGGER audit_stays BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'audit_immutable'); END`,
    `CREATE TABLE proof_nonce (
      kid TEXT NOT NULL,
      nonce TEXT NOT NULL,
      expires INTEGER NOT NULL,
      PRIMARY KEY (kid, nonce)
    )`,
    'CREATE INDEX proof_nonce_expires ON proof_nonce (expires)',
  ],
};

const approvals: Migration = {
  version: 4,
  name: 'orders that wait for approval',
  statements: [
    `CREATE TABLE approval (
      command TEXT PRIMARY KEY NOT NULL,
      principal TEXT NOT NULL,
      digest TEXT NOT NULL,
      bytes TEXT NOT NULL
    )`,
    'CREATE INDEX approval_principal ON approval (principal)',
    // Counted where it is written, so that many requests at once are bounded too.
    `CREATE TRIGGER approval_full BEFORE INSERT ON approval
      WHEN (SELECT count(*) FROM approval AS held WHERE held.principal = NEW.principal) >= 8
      BEGIN SELECT RAISE(ABORT, 'approvals_full'); END`,
    // Whatever ends the waiting, the bytes cannot be approved any more.
    `CREATE TRIGGER approval_over AFTER UPDATE ON command
      WHEN OLD.state = 'waiting' AND NEW.state <> 'waiting'
      BEGIN DELETE FROM approval WHERE command = NEW.id; END`,
  ],
};

/** The schema's history, the oldest first. */
export const migrations: readonly Migration[] = [first, releases, releaseTokens, approvals, unbegunOrders];

/** The version that this code reads and writes. */
export const schemaVersion = migrations.length;
