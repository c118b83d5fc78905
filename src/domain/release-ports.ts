import type { TargetState } from '../../schema/api/deployments.ts';
import type { AuditEntry } from '../../schema/chain/audit-entry.ts';
import type { ReleaseOrderNumber } from '../../schema/wire/release-order.ts';
import type { Deployment, DeploymentChange, PartRecord } from './deployment.ts';

/** What is written to the audit log in the same batch. */
type AuditNote = Pick<AuditEntry, 'time' | 'event' | 'principal' | 'facts'>;

/** A change of a deployment as the store takes it: `deployment.revision` is the one that was read. */
export type DeploymentUpdate = DeploymentChange & { readonly notes: readonly AuditNote[] };

/** An order as it was signed: its bytes as base64url. */
export type SignedRelease = {
  readonly bytes: string;
  readonly authorisation: string;
};

/** A token of GitHub's that authorised an order: the digest of its text, and when it expires. */
export type ReleaseToken = { readonly digest: string; readonly expiresMs: number };

export type NewDeployment = {
  readonly deployment: Omit<Deployment, 'revision'>;
  readonly signed: SignedRelease;
  readonly token: ReleaseToken | null;
  /** The blobs that each part names, itself among them, by the part's digest. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** What it passes over. */
  readonly updates: readonly DeploymentUpdate[];
  readonly note: AuditNote;
};

/** A part that may go out in an envelope. */
export type LeasablePart = PartRecord & {
  readonly deployment: string;
  /** Digest of its order's bytes. */
  readonly intent: string;
  /** How often it went out before. */
  readonly offers: number;
  readonly lease: { readonly session: string; readonly seq: number; readonly until: number } | null;
  /** Whether a token of GitHub's authorised it. */
  readonly byGithub: boolean;
};

export type DeploymentQuery = {
  /** Only those with a part for it. */
  readonly target: string | null;
  readonly before: string | null;
  readonly limit: number;
};

/** What one target was to become last, and when it was last healthy. */
export type TargetFacts = {
  readonly target: string;
  /** Of the highest order for it. */
  readonly newest: { readonly deployment: string; readonly part: PartRecord; readonly commit: string | null };
  readonly healthyAt: number | null;
};

export type DeploymentStore = {
  /**
   * Stores a deployment with its parts, passes over what it supersedes, all or nothing. `known`: the same order was
   * stored before; `order_below`: another order of one of its targets is not below it; `blob_missing`: something that it
   * names is not there; `stale`: what it passes over was changed since it was read, or there is more of it.
   */
  accept(made: NewDeployment): Promise<'accepted' | 'known' | 'order_below' | 'blob_missing' | 'stale'>;
  load(id: string): Promise<Deployment | null>;
  /** The deployment of an order. */
  loadByDigest(digest: string): Promise<Deployment | null>;
  list(query: DeploymentQuery): Promise<readonly Deployment[]>;
  /** Those of which more is to come. */
  open(): Promise<readonly Deployment[]>;
  /** Writes a change, unless the deployment was changed since it was read. */
  update(update: DeploymentUpdate): Promise<'updated' | 'stale'>;
  /** The receipts of deployments, in the order in which they came. */
  receiptsOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** The parts for a relay of which more is to come, the lowest order first. */
  openOf(relay: string): Promise<readonly LeasablePart[]>;
  /** Orders as they were signed, with the identity of trust that did. */
  signed(
    ids: readonly string[],
  ): Promise<Map<string, SignedRelease & { readonly signer: string; readonly time: string | null }>>;
  /** Tokens of GitHub's that no notary has attested yet, of those that expire after a time. */
  tokens(after: number): Promise<readonly string[]>;
  /** Keeps the first attestation of a token that some order waits for and that expires after a time. */
  attest(token: string, time: string, after: number): Promise<void>;
  /** Open deployments whose token expired before a time, without an attestation. */
  lapsed(before: number): Promise<readonly string[]>;
  /** When the next token expires that lacks one; null: none. */
  nextLapse(): Promise<number | null>;
  /** Leases parts to a relay's run, in the manner of `CommandStore.lease`. */
  lease(lease: {
    readonly kid: string;
    readonly session: string;
    readonly seen: number;
    readonly parts: readonly LeasablePart[];
    readonly untils: readonly number[];
  }): Promise<readonly { deployment: string; part: number; seq: number }[]>;
  /** What was last wanted of each target, by the orders that are kept. */
  targets(): Promise<readonly TargetFacts[]>;
  /** The commit of the highest order that brought a part to a target, by both; null where none is known. */
  commitOf(target: string, digest: string): Promise<string | null>;
  /** The highest order that is known; null before the first. */
  highest(): Promise<ReleaseOrderNumber | null>;
  countByState(): Promise<ReadonlyMap<TargetState, number>>;
  /** Forgets deployments that ended, but the newest so many and those that say what a target is or should be. */
  forget(keep: number): Promise<void>;
};

export type BlobStore = {
  /** Which of these are not there. Those that are stay for a while, whether something names them or not. */
  missing(digests: readonly string[], now: number): Promise<readonly string[]>;
  put(digest: string, bytes: Uint8Array<ArrayBuffer>, now: number): Promise<void>;
  read(digest: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Only of what a part names that is for this relay. */
  readFor(relay: string, digest: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Forgets what nothing names and nobody uploaded or asked for since a time. */
  forget(before: number): Promise<void>;
};
