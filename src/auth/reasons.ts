/** Why a request is not let in. The table of src/http/problem.ts turns each into a status. */
export type AuthReason =
  | 'credentials_missing'
  | 'credentials_invalid'
  | 'token_expired'
  | 'token_revoked'
  | 'token_in_url'
  | 'proof_invalid'
  | 'proof_stale'
  | 'proof_replayed'
  | 'forbidden'
  | 'rate_limited'
  | 'too_many_failures';

/** A refusal with one sentence for the caller, and for the log a `cause` that holds no secret. */
export type AuthRefused = {
  readonly ok: false;
  readonly reason: AuthReason;
  readonly detail: string;
  readonly cause: string;
};

export const unauthorised = (reason: AuthReason, detail: string, cause: string): AuthRefused => ({
  ok: false,
  reason,
  detail,
  cause,
});
