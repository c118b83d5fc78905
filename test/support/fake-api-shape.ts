import type { SigningKey } from '../../schema/jose/keys.ts';
import type { AuditHead, Heartbeat } from '../../schema/wire/heartbeat.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import type { PollAnswer, PollRequest, TrustChain } from '../../schema/wire/relay-api.ts';
import type { Report } from '../../schema/wire/report.ts';
import type { TestOrder } from './relay-home.ts';

export type Offer = {
  readonly relay: string;
  /** An intent, or a release's order. */
  readonly intent: TestOrder;
  readonly step?: number;
  readonly receipts?: readonly string[];
};

/** What a poll would be answered, before the test changes it. */
export type Draft = { -readonly [K in keyof PollAnswer]: PollAnswer[K] };

/**
 * The control API as a relay sees it, over real HTTPS with a pinned certificate: enough of it to test relays
 * alone. Every request is checked against the schemas, every proof verified; a fault is a line in `violations`.
 */
export type FakeApi = {
  readonly url: string;
  readonly spki: string;
  readonly polls: readonly (PollRequest & { readonly relay: string })[];
  readonly receipts: readonly { readonly relay: string; readonly jws: string; readonly receipt: Receipt }[];
  readonly reports: readonly { readonly relay: string; readonly jws: string; readonly report: Report }[];
  readonly enrolments: readonly { statement: string; controller_mac: string; owner_mac: string }[];
  readonly violations: readonly string[];
  readonly trustFetches: readonly string[];
  /** Bytes of releases that relays may ask for, by digest. */
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>>;
  audit: AuditHead;
  reportWanted: boolean;
  evidence: readonly string[];
  /** False: every request is refused with 503 by something that is not the API. */
  answering: boolean;
  /** Changes the heartbeat's content, or replaces the JWS altogether. */
  heartbeat: ((heartbeat: Heartbeat) => Promise<Heartbeat | string> | Heartbeat | string) | null;
  /** Changes a poll's answer. */
  draft: ((draft: Draft, request: PollRequest) => Promise<void> | void) | null;
  /** What is served as trust; the home's own chain by default. */
  trust: (after: number) => TrustChain;
  /** The highest version that polls speak of; the home's newest by default. */
  trustVersion: (() => number) | null;
  enrolAnswer: (() => { status: number; body: object; type?: string }) | null;
  /** Queues a step for a relay's next poll. */
  offer(offer: Offer): void;
  /** The envelope that a poll in this session would get. */
  mint(offer: Offer, session: string, seq: number, by?: SigningKey): Promise<string>;
  /** Resolves once the condition holds; looked at whenever a request has come in. Rejects after 30 s. */
  until<T>(what: string, condition: () => T | undefined | false | null): Promise<T>;
  /** The final receipt of a step, once it is here. */
  outcome(signed: Pick<TestOrder, 'digest'>, step?: number): Promise<Receipt>;
  close(): Promise<void>;
};
