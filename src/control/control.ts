import type { InferOutput } from 'valibot';
import type { setupRequestSchema, TokenView, tokenRequestSchema } from '../../schema/api/access.ts';
import type { TargetState } from '../../schema/api/deployments.ts';
import type {
  codeRequestSchema,
  GuestView,
  HostView,
  RelayView,
  SignedReports,
  StatusView,
} from '../../schema/api/house.ts';
import type {
  Approval,
  ApprovalRequest,
  CommandState,
  CommandView,
  Order,
  Plan,
  SubmitRequest,
} from '../../schema/api/orders.ts';
import type { AuditEntry } from '../../schema/chain/audit-entry.ts';
import type { ChainHead } from '../../schema/chain/chain.ts';
import type { GithubKeys } from '../../schema/github/keys.ts';
import type { AcceptedKey } from '../../schema/jose/keys.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { Result } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type {
  EnrolRequest,
  PollAnswer,
  PollRequest,
  TrustChain,
  TrustJws,
} from '../../schema/wire/relay-api.ts';
import type {
  Answer,
  ApprovalReason,
  EnrolReason,
  Idempotency,
  OrderReason,
  RelayReason,
  SetupReason,
  SubmitReason,
  TokenReason,
  UploadReason,
} from '../domain/errors.ts';
import type { Grant } from '../domain/principal.ts';
import type { ReleaseControl, TargetMetrics } from './release-control.ts';

/**
 * What the API does, without HTTP. Requests come in already parsed by the schemas of schema/api and
 * schema/wire; answers are the views of those schemas. Expected refusals are values, thrown errors are bugs
 * or a store that failed. Functions that change something take a `Grant`.
 */
export type Control = {
  readonly setup: SetupControl;
  readonly trust: TrustControl;
  readonly orders: OrderControl;
  readonly approvals: ApprovalControl;
  readonly releases: ReleaseControl;
  readonly house: HouseControl;
  readonly enrolment: EnrolmentControl;
  readonly relay: RelayControl;
  readonly tokens: TokenControl;
  readonly audit: AuditControl;
  readonly upkeep: UpkeepControl;
  readonly github: GithubKeys;
};

export type SetupRequest = InferOutput<typeof setupRequestSchema>;
export type CodeRequest = InferOutput<typeof codeRequestSchema>;
export type TokenRequest = InferOutput<typeof tokenRequestSchema>;

/** Whether a request carries a proof of itself by a key; stale: one of another time than now. */
export type Proved = Result<true, 'proof_invalid' | 'proof_stale'>;

export type SetupControl = {
  /** Whether an owner has claimed this instance. */
  claimed(): Promise<boolean>;
  /**
   * Claims an unclaimed instance by the setup code's MAC. `proof` is the kid that signed the request and a
   * function that verifies the request's proof with the key that trust's own document gives the operator:
   * http cannot know that key before the document was judged.
   */
  claim(
    request: SetupRequest,
    proves: (operator: AcceptedKey) => Promise<Proved>,
  ): Promise<Answer<{ home: string; version: number }, SetupReason>>;
};

export type TrustControl = {
  /** The version in force, verified; null before an owner claimed this instance. Cheap: it is kept parsed. */
  current(): Promise<Trust | null>;
  /** All versions above `after` (0: all of them), oldest first. */
  chain(after: number): Promise<TrustChain>;
  /**
   * Puts the next versions into force, oldest first; the version in force itself, sent again, is answered the same.
   * `proves` verifies the request's proof with the key that the newest of them gives the operator.
   */
  upload(
    versions: readonly TrustJws[],
    proves: (operator: AcceptedKey) => Promise<Proved>,
  ): Promise<Answer<{ version: number; digest: string }, UploadReason>>;
};

export type OrderOptions = {
  readonly idempotency?: Idempotency;
  /** The caller said `sleep`: refused unless trust lets the host sleep. */
  readonly sleep?: boolean;
};

/** `replayed`: an earlier request with the same idempotency key made this command. */
export type Accepted = { readonly command: CommandView; readonly replayed: boolean };

export type CommandFilter = {
  readonly state?: CommandState;
  /** Only commands that have not ended. */
  readonly running?: boolean;
  /** At most so many, the newest first; 1 to 200. */
  readonly limit?: number;
  /** Only commands made before this one (its id), to page on. */
  readonly before?: string;
};

export type OrderControl = {
  /**
   * Accepts an order of a phone or the CLI as a command within the controller's own grants. Of a token, what is
   * beyond these and within the operator's waits for approval.
   */
  order(grant: Grant, order: Order, options?: OrderOptions): Promise<Answer<Accepted, OrderReason>>;
  /** Plans an order and gives the bytes to be checked and signed; nothing is stored. */
  plan(grant: Grant, order: Order, options?: Pick<OrderOptions, 'sleep'>): Promise<Answer<Plan, OrderReason>>;
  /** Accepts an intent that an authority of the trust document signed. */
  submit(
    grant: Grant,
    request: SubmitRequest,
    options?: Pick<OrderOptions, 'idempotency'>,
  ): Promise<Answer<Accepted, SubmitReason>>;
  command(id: string): Promise<CommandView | null>;
  commands(filter: CommandFilter): Promise<readonly CommandView[]>;
  /** The command once it is neither `running` nor `waiting`, or as it is after `ms` or when `signal` aborts. Null: unknown. */
  wait(id: string, ms: number, signal: AbortSignal): Promise<CommandView | null>;
};

/** Orders of tokens that the controller may not give alone: the operator signs the very bytes, or says no. */
export type ApprovalControl = {
  /** What waits, the newest first. */
  list(): Promise<readonly Approval[]>;
  /** Takes the operator's signature of the bytes that wait, once, and has them done. */
  approve(
    grant: Grant,
    id: string,
    request: ApprovalRequest,
    options?: Pick<OrderOptions, 'idempotency'>,
  ): Promise<Answer<Accepted, ApprovalReason>>;
  /** Ends what waits without anything being done. Said again, it is answered the same. */
  deny(
    grant: Grant,
    id: string,
  ): Promise<Answer<CommandView, 'command_unknown' | 'approval_over' | 'forbidden'>>;
};

export type HouseControl = {
  /** Null before an owner claimed this instance; also of the lists below. */
  status(): Promise<StatusView | null>;
  hosts(): Promise<readonly HostView[]>;
  guests(): Promise<readonly GuestView[]>;
  relays(): Promise<readonly RelayView[]>;
  /** The last report of each admitted relay that sent one, as it signed it. */
  reports(): Promise<SignedReports['reports']>;
  runbooks(): Promise<readonly { name: string; title: string }[]>;
  /** The house file as it was last uploaded. */
  file(): Promise<HouseFile | null>;
  /** Replaces runbooks and titles. Facts that decide on relays are in trust alone. */
  upload(grant: Grant, file: HouseFile): Promise<Answer<true, 'not_set_up' | 'house_invalid'>>;
};

export type EnrolmentControl = {
  registerCode(
    grant: Grant,
    request: CodeRequest,
  ): Promise<Answer<true, 'not_set_up' | 'target_unknown' | 'code_exists' | 'code_expired'>>;
  /**
   * Takes a new relay as pending. `proves` verifies the request's proof with the key of the statement,
   * which is only believed once the statement's MAC has verified.
   */
  enrol(
    request: EnrolRequest,
    proves: (relay: AcceptedKey) => Promise<Proved>,
  ): Promise<Answer<TrustChain, EnrolReason>>;
  /** The pending relay of a key, for authenticating its requests for trust; null when there is none. */
  pending(kid: string): Promise<{ name: string; key: AcceptedKey } | null>;
};

/** Of whom a relay's request is: its name and key as trust has them. */
export type RelayCaller = { readonly name: string; readonly kid: string };

export type RelayControl = {
  /**
   * Parks until there is something for the relay or `wait_ms` has passed, and answers with a heartbeat.
   * The same poll sent twice is answered twice without doubling anything.
   */
  poll(
    relay: RelayCaller,
    request: PollRequest,
    signal: AbortSignal,
  ): Promise<Answer<PollAnswer, RelayReason>>;
  /** Stores receipts in order. A gap is no refusal: the answer says how far they are held. */
  receipts(
    relay: RelayCaller,
    receipts: readonly string[],
  ): Promise<Answer<{ receipts_seq: number }, RelayReason>>;
  report(relay: RelayCaller, report: string): Promise<Answer<true, RelayReason>>;
  /** Keeps what a notary says of when it saw tokens. What does not verify is passed over. */
  times(relay: RelayCaller, times: readonly string[]): Promise<void>;
};

/** A token's use: its view, and whether it may be used now. */
export type TokenControl = {
  /** The token itself is in this answer alone. The same idempotency key gives the same token again. */
  create(
    grant: Grant,
    request: TokenRequest,
    options?: Pick<OrderOptions, 'idempotency'>,
  ): Promise<Answer<{ view: TokenView; token: string }, TokenReason>>;
  list(): Promise<readonly TokenView[]>;
  revoke(grant: Grant, id: string): Promise<Answer<TokenView, 'token_unknown'>>;
  /** Revokes a token that was seen where it must not be, such as in a URL. Unknown ids are passed over. */
  revokeLeaked(id: string, where: 'url'): Promise<void>;
  /** Whether a verified token's id is known and not revoked. Notes its use, at most once a minute. */
  use(id: string): Promise<Answer<TokenView, 'token_unknown' | 'token_revoked' | 'token_expired'>>;
};

export type AuditPage = { readonly entries: readonly string[]; readonly head: ChainHead };

/** One thing that happened, for the live stream. */
export type ControlEvent = {
  /** Its place in the audit log: `Last-Event-ID` of the stream. */
  readonly seq: number;
  readonly entry: Omit<AuditEntry, 'previous'>;
  /** The command that it is about, as it is now. */
  readonly command: CommandView | null;
};

export type AuditControl = {
  /** Sealed entries above `after`, as they are chained, at most `limit` (1 to 1000), and the head. */
  page(after: number, limit: number): Promise<AuditPage>;
  head(): Promise<ChainHead>;
  /** Every sealed entry, one JSON text a line, without line ends. */
  export(): AsyncIterable<string>;
  /** What happens from now on (null) or after a place in the log, until `signal` aborts. Wakes by doorbell. */
  events(after: number | null, signal: AbortSignal): AsyncIterable<ControlEvent>;
  /** Notes something that http saw, such as `proof.refused`. */
  note(event: string, principal: string, facts: AuditEntry['facts']): Promise<void>;
};

export type Metrics = {
  readonly commands: Readonly<Record<CommandState, number>>;
  /** Steps that wait for a relay's poll, and the age of the oldest in ms (null: none). */
  readonly queued: number;
  readonly oldestQueuedMs: number | null;
  readonly running: number;
  readonly parkedPolls: number;
  /** Parts of the deployments that are kept, by the state of their target. */
  readonly deploymentTargets: Readonly<Record<TargetState, number>>;
  readonly targets: readonly TargetMetrics[];
  readonly hosts: readonly { readonly host: string; readonly state: HostView['state'] }[];
  /** Those whose host is awake and told of them. */
  readonly guests: readonly {
    readonly guest: string;
    readonly host: string;
    readonly state: GuestView['state'];
  }[];
  readonly relays: readonly {
    readonly name: string;
    readonly lastSeenMs: number | null;
    readonly receiptsSeq: number;
    readonly trustVersion: number | null;
    readonly refusedJobs: number;
  }[];
  readonly auditSeq: number;
  readonly trustVersion: number | null;
  /** Ms until trust expires; negative once it has. */
  readonly trustLeftMs: number | null;
  readonly tokens: number;
};

export type UpkeepControl = {
  metrics(): Promise<Metrics>;
  /** Remembers a proof's nonce until `expires` (ms); false when it was there already. */
  rememberProofNonce(kid: string, nonce: string, expires: number): Promise<boolean>;
  /** Ends what is overdue. Gives the time (ms) when the next thing will be due; null when nothing is. */
  sweep(): Promise<number | null>;
  /** Sweeps now and then whenever something is due, until `signal` aborts. Never polls the store. */
  run(signal: AbortSignal): Promise<void>;
  /** Whether the store answers: for /healthz. */
  healthy(): Promise<boolean>;
};
