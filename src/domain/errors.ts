import type { Digest } from '../../schema/jose/digest.ts';
import type { Refusal } from '../../schema/result.ts';
import type { TrustRefusal } from '../../schema/trust/read.ts';

/** Why an order or a plan is refused before anything is done. */
export type PlanReason =
  /** Nobody has claimed this instance yet. */
  | 'not_set_up'
  | 'action_unknown'
  | 'target_unknown'
  | 'runbook_unknown'
  | 'params_invalid'
  /** A `sleep` was asked of a host that trust does not let sleep. */
  | 'host_does_not_sleep'
  | 'host_already_off'
  /** The host is off, and trust names nobody who could wake it. */
  | 'nothing_can_wake'
  /** No relay is admitted for the host that would have to act. */
  | 'relay_not_admitted'
  /** Another guest that runs holds what this one needs, and the caller may not shut that one down. */
  | 'rival_not_covered'
  /** The order has more steps than one intent holds. */
  | 'plan_too_long'
  | 'trust_expired';

/** Why an order is refused although it can be planned. */
export type OrderReason =
  | PlanReason
  /** Beyond what the controller may order alone: `commandLine` names the CLI command that does it. */
  | 'needs_operator'
  /** Another command holds a target or a resource: `heldBy` is that command. */
  | 'locked'
  | 'idempotency_mismatch'
  /** It needs an approval that nobody in trust could give. */
  | 'not_granted'
  /** As many of this caller's orders as may wait for approval wait already. */
  | 'approvals_full'
  /** The grant that was passed is not of this order. */
  | 'forbidden';

/** Why anything that the operator signed is refused, an intent or a release. */
type SignedReason =
  | 'not_set_up'
  | 'home_wrong'
  /** Its `issued_at` is ahead of this clock. */
  | 'intent_from_the_future'
  | 'authorisation_invalid'
  | 'authorisation_of_another_intent'
  | 'action_unknown'
  | 'target_unknown'
  | 'relay_wrong'
  | 'params_invalid'
  | 'not_granted'
  | 'relay_not_admitted'
  | 'trust_expired'
  | 'forbidden';

/** Why an intent that the operator signed is refused. */
export type SubmitReason =
  | SignedReason
  | 'intent_malformed'
  | 'intent_expired'
  /** These very bytes were submitted before. */
  | 'intent_used'
  /** The bytes are no plan of the order that was named beside them. */
  | 'intent_not_of_order'
  | 'locked'
  | 'idempotency_mismatch'
  | 'runbook_unknown';

/** Why an approval is refused. */
export type ApprovalReason =
  | SubmitReason
  | 'command_unknown'
  /** It does not wait, or not any more. */
  | 'approval_over'
  /** It would be done otherwise by now. */
  | 'plan_outdated';

/** Why a release is not accepted. */
export type ReleaseReason =
  | SignedReason
  | 'release_malformed'
  /** Something that it names was not uploaded. */
  | 'blobs_missing'
  /** For one of its targets another order is known that is not below it. */
  | 'release_stale';

export type SetupReason =
  | TrustRefusal
  | 'already_set_up'
  | 'setup_code_wrong'
  /** The trust document names another controller key than this instance's. */
  | 'controller_key_wrong'
  /** The request was not proved by the operator key of the document itself. */
  | 'operator_key_wrong'
  | 'proof_stale'
  | 'house_invalid';

export type UploadReason =
  | TrustRefusal
  | 'not_set_up'
  | 'controller_key_wrong'
  | 'operator_key_wrong'
  | 'proof_stale'
  | 'trust_exists';

export type EnrolReason =
  | 'not_set_up'
  | 'enrolment_malformed'
  | 'code_unknown'
  | 'code_used'
  | 'code_expired'
  | 'enrolment_mac'
  /** The code was made for another relay. */
  | 'code_of_another_relay'
  | 'key_weak'
  | 'key_known'
  | 'proof_invalid'
  | 'proof_stale'
  /** The relay obeys a trust document that this home does not have. */
  | 'trust_unknown';

export type RelayReason =
  | 'not_set_up'
  /** A newer run of a relay with this identity polls. */
  | 'session_superseded'
  | 'poll_out_of_order'
  | 'protocol_unsupported'
  /** More runs, or receipts that say nothing of any order, than a relay has cause for. */
  | 'rate_limited'
  | 'receipt_malformed'
  | 'receipt_foreign'
  /** Receipts are missing before this one, or it does not continue the chain that is held. */
  | 'receipt_chain'
  | 'report_malformed'
  | 'report_foreign';

export type TokenReason =
  | 'not_set_up'
  | 'token_unknown'
  | 'token_revoked'
  | 'token_expired'
  | 'idempotency_mismatch';

/** Every reason that src/control gives. src/http has one table from these to a status and a title. */
export type Reason =
  | OrderReason
  | ApprovalReason
  | SetupReason
  | UploadReason
  | EnrolReason
  | RelayReason
  | TokenReason
  | ReleaseReason
  | 'blob_digest'
  | 'blob_unknown'
  | 'deployment_unknown'
  | 'house_invalid'
  | 'command_unknown'
  | 'code_exists';

/** A refusal as src/control gives it: `detail` is always one sentence that a phone can speak. */
export type Refused<R extends Reason = Reason> = Refusal<R> & {
  readonly detail: string;
  /** Of `locked`: the command that holds what was asked for. */
  readonly heldBy?: string;
  /** Of `needs_operator`: the command line that does it. */
  readonly commandLine?: string;
};

/** What src/control answers: a value, or a refusal with a sentence. */
export type Answer<T, R extends Reason> = { readonly ok: true; readonly value: T } | Refused<R>;

export const refused = <R extends Reason>(
  reason: R,
  detail: string,
  more: { heldBy?: string; commandLine?: string } = {},
): Refused<R> => ({ ok: false, reason, detail, ...more });

/** An `Idempotency-Key` and what it is bound to; the principal comes with the grant. */
export type Idempotency = { readonly key: string; readonly route: string; readonly body: Digest };
