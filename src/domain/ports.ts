import type { Lock } from '../../schema/actions/action.ts';
import type { CommandState, Order } from '../../schema/api/orders.ts';
import type { AuditEntry } from '../../schema/chain/audit-entry.ts';
import type { ChainHead } from '../../schema/chain/chain.ts';
import type { PublicJwk } from '../../schema/jose/keys.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import type { Report } from '../../schema/wire/report.ts';
import type { Command, IntentRecord, StepRecord } from './command.ts';
import type { Idempotency } from './errors.ts';
import type { BlobStore, DeploymentStore, DeploymentUpdate } from './release-ports.ts';
import type { RelayRecord } from './world.ts';

/**
 * What src/control needs of the world, and src/store and the entries give it. Each function of a store that
 * changes something is one atomic batch, durable once it resolves. A store that cannot do its work throws; the
 * refusals below are the expected outcomes.
 */
export type Store = {
  readonly trust: TrustStore;
  readonly house: HouseStore;
  readonly commands: CommandStore;
  readonly deployments: DeploymentStore;
  readonly blobs: BlobStore;
  readonly relays: RelayStore;
  readonly enrolments: EnrolmentStore;
  readonly tokens: TokenStore;
  readonly audit: AuditStore;
  readonly nonces: NonceStore;
};

/** What is written to the audit log with a fact: in the same batch, so that neither is without the other. */
export type AuditNote = Pick<AuditEntry, 'time' | 'event' | 'principal' | 'facts'>;

export type NewVersion = {
  readonly version: number;
  readonly digest: string;
  readonly jws: TrustJws;
  readonly acceptedAt: number;
};

export type TrustStore = {
  /** The number of the newest version; 0 when there is none. */
  newest(): Promise<number>;
  /** The versions above a number, oldest first. */
  after(version: number): Promise<readonly { version: number; digest: string; jws: TrustJws }[]>;
  /** Stores a version, unless that number is taken already. */
  add(version: NewVersion, note: AuditNote): Promise<boolean>;
  /** Stores the versions that a home begins with here, with its house file, unless there are some already. */
  claim(versions: readonly NewVersion[], note: AuditNote, house: HouseFile): Promise<boolean>;
};

export type HouseStore = {
  file(): Promise<HouseFile | null>;
  put(file: HouseFile, now: number, note: AuditNote): Promise<void>;
};

/** An intent as it is stored, with its bytes. */
export type SignedIntent = IntentRecord & {
  /** base64url of the bytes that were signed. */
  readonly bytes: string;
  readonly authorisation: string;
};

/** A run of a relay whose poll is parked, and the highest number of a job that it has seen. */
export type WaitingRun = { readonly kid: string; readonly session: string; readonly seen: number };

export type Acceptance = {
  readonly command: Omit<Command, 'intents' | 'steps' | 'revision'>;
  readonly intent: SignedIntent;
  readonly steps: readonly StepRecord[];
  readonly locks: readonly Lock[];
  readonly idempotency: { readonly principal: string; readonly use: Idempotency } | null;
  readonly note: AuditNote;
  /** The runs of relays that wait for a step at this moment, by the relay's name. */
  readonly waiting: ReadonlyMap<string, WaitingRun>;
  /** Until when what is leased to them is theirs. */
  readonly leaseUntil: number;
  readonly now: number;
  /** The revision of a command that waited for this intent's approval; null for a new one. */
  readonly approves: number | null;
};

/** The bytes that wait for the operator's signature. */
export type WaitingIntent = {
  readonly command: string;
  /** Whose it is, as idempotency keys are scoped. */
  readonly principal: string;
  readonly digest: string;
  /** base64url of the bytes that would be signed. */
  readonly bytes: string;
};

/** An order that waits for approval: nothing of it is locked or sent. */
export type Asking = Pick<Acceptance, 'command' | 'idempotency' | 'note'> & {
  readonly waiting: Omit<WaitingIntent, 'command'>;
};

/** A receipt as it is stored: parsed, beside the text that the relay signed. */
export type StoredReceipt = {
  readonly kid: string;
  readonly hash: string;
  readonly jws: string;
  readonly receivedAt: number;
  readonly receipt: Receipt;
  /** Of one that does not continue the chain that is held: the last receipt before those that are lost. */
  readonly lost?: { readonly after: number };
};

/** What a command becomes; `command.revision` is the one that was read. */
export type CommandUpdate = {
  readonly command: Command;
  /** The steps that differ. */
  readonly steps: readonly StepRecord[];
  readonly release: boolean;
  /** A further attempt. */
  readonly next: { readonly intent: SignedIntent; readonly steps: readonly StepRecord[] } | null;
  readonly notes: readonly AuditNote[];
};

export type CommandQuery = {
  readonly states: readonly CommandState[] | null;
  readonly before: string | null;
  readonly limit: number;
};

/** A step that may go out in an envelope, with all that mints it. */
export type LeasableStep = StepRecord & {
  readonly command: string;
  /** When its intent ends. */
  readonly expires: number;
  readonly lease: { readonly session: string; readonly seq: number; readonly until: number } | null;
};

export type CommandStore = {
  /**
   * Stores a command with its intent, steps, locks, idempotency key and audit entry, and leases the queued steps of
   * the relays that wait for some, as `lease` does. `locked`: another command
   * holds one of the locks; `idempotency_taken`: the principal used the key before; `intent_used`: the very
   * bytes were stored before; `stale`: the command that is approved was changed since it was read. Nothing is stored then.
   */
  accept(
    acceptance: Acceptance,
  ): Promise<'accepted' | 'locked' | 'idempotency_taken' | 'intent_used' | 'stale'>;
  /** Stores a command that waits. `approvals_full`: as many of its principal as may wait already. */
  ask(asking: Asking): Promise<'asked' | 'idempotency_taken' | 'approvals_full'>;
  /** What waits for approval. */
  waiting(): Promise<readonly WaitingIntent[]>;
  load(id: string): Promise<Command | null>;
  /** The command that an intent belongs to. */
  loadByIntent(digest: string): Promise<Command | null>;
  /** How a command stands, without all that it is made of. */
  stateOf(id: string): Promise<CommandState | null>;
  list(query: CommandQuery): Promise<readonly Command[]>;
  /** The receipts of a command's intents, in the order in which they came. */
  receiptsOf(commands: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Who holds a lock that conflicts with one of these; null when nobody does. */
  holderOf(locks: readonly Lock[]): Promise<{ command: string; principal: string; order: Order } | null>;
  /** What every running command holds: the thing, and the command. */
  held(): Promise<readonly { on: string; command: string }[]>;
  /** What a principal's idempotency key was used for. */
  idempotent(principal: string, key: string): Promise<{ route: string; body: string; made: string } | null>;
  /** Writes a change, unless the command was changed since it was read (`stale`). */
  update(update: CommandUpdate): Promise<'updated' | 'stale'>;
  /**
   * Stores a relay's next receipt together with what it makes of its command or deployment, if it has one. `stale`:
   * that was changed since it was read. `chain`: the receipt does not continue the chain that is held.
   */
  addReceipt(
    receipt: StoredReceipt,
    update: CommandUpdate | DeploymentUpdate | null,
    notes: readonly AuditNote[],
  ): Promise<'stored' | 'stale' | 'chain'>;
  /** The steps that are queued, sent or started, that a relay does or whose target its host is. */
  activeOf(relay: string): Promise<readonly LeasableStep[]>;
  /** The bytes and authorisations of intents by their digest. */
  intents(digests: readonly string[]): Promise<ReadonlyMap<string, SignedIntent>>;
  /** The steps of intents, by digest. */
  stepsOf(digests: readonly string[]): Promise<ReadonlyMap<string, readonly StepRecord[]>>;
  /** The final receipts of steps of these intents, as the relays signed them. */
  finalReceipts(
    digests: readonly string[],
  ): Promise<readonly { intent: string; step: number; jws: string }[]>;
  /**
   * Leases steps to a relay's run: numbers them up from the run's last job, or from the highest that it has seen if
   * that is not known here (a store that was restored), and marks them sent. Steps that were leased again or changed since they were read are left out of the answer. Empty when the run is not
   * the relay's newest any more.
   */
  lease(lease: {
    readonly kid: string;
    readonly session: string;
    readonly seen: number;
    readonly steps: readonly LeasableStep[];
    readonly now: number;
    readonly until: number;
  }): Promise<readonly { intent: string; step: number; seq: number }[]>;
  /** The commands whose time has come. */
  overdue(now: number): Promise<readonly string[]>;
  /** When the next command is due; null when none is. */
  nextDue(): Promise<number | null>;
  /** How many commands are in each state. */
  countByState(): Promise<ReadonlyMap<CommandState, number>>;
  /** Steps that wait for a poll, and when the oldest was queued. */
  queue(): Promise<{ count: number; oldestAt: number | null }>;
  /** Forgets idempotency keys that were used before a time. */
  forgetIdempotency(before: number): Promise<void>;
};

export type RelayStore = {
  all(): Promise<readonly RelayRecord[]>;
  find(kid: string): Promise<RelayRecord | null>;
  /**
   * Notes a run of a relay. A run that was never seen becomes the newest, with `note`; `superseded` when a
   * newer one was seen.
   */
  enter(
    relay: {
      kid: string;
      name: string;
      session: string;
      now: number;
      protocol: number;
      trustVersion: number;
    },
    note: AuditNote,
  ): Promise<'current' | 'entered' | 'superseded'>;
  /** Notes that a relay was heard of. */
  touch(kid: string, seen: { now: number; protocol: number; trustVersion: number }): Promise<void>;
  /** Stores a report, unless one of the same or a later number is held: false then. */
  putReport(
    kid: string,
    name: string,
    report: { jws: string; report: Report; receivedAt: number },
  ): Promise<boolean>;
  /** A relay's latest report as it signed it. */
  reportJws(kid: string): Promise<string | null>;
  /** A receipt of a relay's chain; null when it is not held. */
  receipt(kid: string, seq: number): Promise<{ hash: string; jws: string } | null>;
};

export type Enrolment = {
  readonly code: string;
  readonly relay: string;
  readonly controllerKey: string;
  readonly expires: number;
  /** Null while nobody has used the code. */
  readonly used: {
    readonly kid: string;
    readonly jwk: PublicJwk;
    readonly statement: string;
    readonly ownerMac: string;
    readonly enrolledAt: number;
  } | null;
};

export type EnrolmentStore = {
  find(code: string): Promise<Enrolment | null>;
  findByKid(kid: string): Promise<Enrolment | null>;
  /** Those whose code was used after a time. */
  usedSince(time: number): Promise<readonly Enrolment[]>;
  /** False when the code is there already. */
  add(code: Omit<Enrolment, 'used'>, note: AuditNote): Promise<boolean>;
  /** False when the code was used meanwhile. */
  use(code: string, used: NonNullable<Enrolment['used']>, note: AuditNote): Promise<boolean>;
};

export type TokenRecord = {
  readonly id: string;
  readonly name: string;
  readonly scope: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
};

export type TokenStore = {
  find(id: string): Promise<TokenRecord | null>;
  all(): Promise<readonly TokenRecord[]>;
  add(
    token: TokenRecord,
    idempotency: { principal: string; use: Idempotency } | null,
    note: AuditNote,
  ): Promise<'added' | 'idempotency_taken'>;
  /** Revokes a token that was not revoked before; else does nothing and gives false. */
  revoke(id: string, now: number, note: AuditNote): Promise<boolean>;
  /** Revokes all that were not. */
  revokeAll(now: number, note: AuditNote): Promise<void>;
  touch(id: string, now: number): Promise<void>;
};

/** An entry as it is stored: sealed once `hash` is set. */
export type AuditRow = Omit<AuditEntry, 'previous'> & {
  readonly previous: string | null;
  readonly hash: string | null;
};

export type AuditStore = {
  /** Entries above a number in order, sealed or not. */
  after(seq: number, limit: number): Promise<readonly AuditRow[]>;
  /** The last sealed entry's place and hash; null when none is sealed. */
  sealedHead(): Promise<ChainHead | null>;
  /** The number of the last entry, sealed or not. */
  last(): Promise<number>;
  seal(seals: readonly { seq: number; previous: string; hash: string }[]): Promise<void>;
  add(notes: readonly AuditNote[]): Promise<void>;
};

export type NonceStore = {
  /** False when it is there already. */
  remember(kid: string, nonce: string, expires: number): Promise<boolean>;
  forget(expiredBefore: number): Promise<void>;
};

/** Wakes those who wait for something to appear in the store. Rings are never missed after a ticket was taken. */
export type Doorbell = {
  readonly ticket: (name: string) => Promise<{ readonly name: string; readonly seq: number }>;
  readonly wait: (
    ticket: { readonly name: string; readonly seq: number },
    timeoutMs: number,
    signal?: AbortSignal,
  ) => Promise<'rung' | 'timeout' | 'aborted'>;
  readonly ring: (name: string) => void;
};

/** Wall time in Unix milliseconds. */
export type Clock = { readonly now: () => number };

/** Cryptographically random bytes. */
export type Random = (bytes: number) => Uint8Array<ArrayBuffer>;

/** One JSON line each; `fields` hold codes, ids and names, no secrets. */
export type Log = (
  level: 'info' | 'warn' | 'error',
  event: string,
  fields?: Readonly<Record<string, string | number | boolean | null>>,
) => void;
