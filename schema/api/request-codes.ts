import type { ApiCodeCard } from './code-card.ts';

/** Who calls, how the request is made, and whether the control plane can serve it at all. */
export const requestCodes = {
  // Who calls
  credentials_missing: {
    status: 401,
    title: 'No credentials',
    meaning: 'The request carries no Authorization header, and this address needs one. Nothing was done.',
    todo: 'Send `Authorization: Bearer <token>`; `writ tokens create` makes a token.',
  },
  credentials_invalid: {
    status: 401,
    title: 'Credentials not valid',
    meaning: 'The token or proof does not verify, or nobody here knows it. Nothing was done.',
    todo: 'Check that the whole token was copied and that it is of this home; otherwise make a new one with `writ tokens create`.',
  },
  token_expired: {
    status: 401,
    title: 'Token expired',
    meaning: 'The token was valid once, and its time is over. Nothing was done.',
    todo: 'Make a new token with `writ tokens create`.',
  },
  token_revoked: {
    status: 401,
    title: 'Token revoked',
    meaning: 'The owner revoked this token, or it was seen in a URL. Nothing was done.',
    todo: 'Make a new token with `writ tokens create`, and send it in the header only.',
  },
  token_in_url: {
    status: 401,
    title: 'Token in a URL',
    meaning:
      'URLs end up in logs and histories, so a token in one counts as leaked: the request was refused, and a token of this home was revoked.',
    todo: 'Make a new token with `writ tokens create`, and send it as `Authorization: Bearer <token>`.',
  },
  proof_invalid: {
    status: 401,
    title: 'Proof of another request',
    meaning: 'The proof does not fit this method, address, body or home. Nothing was done.',
    todo: 'Update the CLI or relay; something between it and the API may be changing requests.',
  },
  proof_stale: {
    status: 401,
    title: 'Clocks disagree',
    meaning: 'The proof was made more than 30 s away from this clock. Nothing was done.',
    todo: 'Set the clock of the computer that asks, and of the control plane (`timedatectl`).',
  },
  proof_replayed: {
    status: 401,
    title: 'Proof used before',
    meaning:
      'This very proof came before, so somebody may be replaying requests. Nothing was done this time.',
    todo: 'Ask again; every request needs a proof of its own.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    meaning: 'The credentials are valid, but not for this. Nothing was done.',
    todo: 'Use a token whose scope names this action and target, or the CLI on the owner’s computer.',
  },
  needs_operator: {
    status: 403,
    title: 'Needs the owner’s CLI',
    meaning: 'The trust document does not let the control plane order this alone. Nothing was done.',
    todo: 'Run the command named in `command_line` on the owner’s computer.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    meaning:
      'These credentials asked more often than they may, or said more than anything was asked. Nothing was done.',
    todo: 'Wait as long as `Retry-After` says, or a minute where it says nothing. `?wait=` follows a command without asking again and again.',
  },
  too_many_failures: {
    status: 429,
    title: 'Too many failed attempts',
    meaning:
      'Many requests from this address failed to authenticate. Valid credentials are served as ever, also from there.',
    todo: 'Mend the credentials of whatever keeps asking.',
  },

  // The request
  request_invalid: {
    status: 400,
    title: 'Not of the right shape',
    meaning:
      'A part of the address, the query or the body is not what this operation takes; `detail` names it.',
    todo: 'Compare the request with /docs.',
  },
  target_malformed: {
    status: 400,
    title: 'Malformed address',
    meaning: 'The request line is not a plain path and query. Nothing was done.',
    todo: 'Percent-encode what is not allowed in a URL.',
  },
  url_too_long: {
    status: 414,
    title: 'Address too long',
    meaning: 'Path and query are longer than 2048 characters. Nothing was done.',
    todo: 'Send parameters in the body.',
  },
  body_malformed: {
    status: 400,
    title: 'Malformed JSON',
    meaning:
      'The body is no JSON that all parsers read alike: bad syntax, a duplicate key, not UTF-8, or too deep. Nothing was done.',
    todo: 'Mend the body as `detail` says.',
  },
  body_unexpected: {
    status: 400,
    title: 'Body not expected',
    meaning: 'This operation takes no body. Nothing was done.',
    todo: 'Send the request without one.',
  },
  body_too_large: {
    status: 413,
    title: 'Body too large',
    meaning: 'The body is over this operation’s limit and was not read.',
    todo: 'Send less.',
  },
  body_too_slow: {
    status: 408,
    title: 'Body too slow',
    meaning: 'The body did not arrive in time. Nothing was done.',
    todo: 'Ask again over a better connection.',
  },
  body_cut_short: {
    status: 400,
    title: 'Body cut short',
    meaning: 'The connection ended before the whole body had come. Nothing was done.',
    todo: 'Ask again.',
  },
  content_type: {
    status: 415,
    title: 'Not application/json',
    meaning:
      'The body must be `Content-Type: application/json`, in UTF-8 and not compressed. Nothing was done.',
    todo: 'Set the header.',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key not valid',
    meaning: 'An Idempotency-Key has 8 to 128 printable ASCII characters without spaces. Nothing was done.',
    todo: 'Send a random one, such as a UUID.',
  },
  idempotency_mismatch: {
    status: 409,
    title: 'Idempotency-Key used otherwise',
    meaning: 'The same key came before with another address or body. Nothing was done this time.',
    todo: 'Use a new key for a new request.',
  },
  route_unknown: {
    status: 404,
    title: 'No such address',
    meaning: 'The API has no such address.',
    todo: 'See /docs for those there are.',
  },
  package_missing: {
    status: 404,
    title: 'No package here',
    meaning: 'This control plane has no package of the relay to give: it was not installed from one itself.',
    todo: 'Copy the package of the relay to the host by other means, and install it there.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The address exists, but not with this method; `Allow` names those that it has.',
    todo: 'Use one of them.',
  },

  // The control plane itself
  store_busy: {
    status: 503,
    title: 'Database busy',
    meaning: 'The database had no turn for this in time. Nothing was done.',
    todo: 'Ask again in a moment.',
  },
  store_full: {
    status: 507,
    title: 'Disk full',
    meaning: 'The control plane’s disk is full. Nothing was done.',
    todo: 'Make room on the machine that runs `writ serve`.',
  },
  store_readonly: {
    status: 503,
    title: 'Database read-only',
    meaning: 'The control plane cannot write its database. Nothing was done.',
    todo: 'Check the permissions and the mount of its data directory.',
  },
  store_timeout: {
    status: 503,
    title: 'Database did not answer',
    meaning: 'The database did not answer in time, so this may or may not have been done.',
    todo: 'Ask again with the same Idempotency-Key, or look at GET /v1/commands.',
  },
  store_unavailable: {
    status: 503,
    title: 'Database not available',
    meaning: 'The control plane cannot reach its database. Nothing was done.',
    todo: 'See the log of `writ serve`.',
  },
  internal: {
    status: 500,
    title: 'A fault of the control plane',
    meaning: 'Something failed that should not; the log has it under the `fault` named in `detail`.',
    todo: 'Look at GET /v1/commands for whether it was done, and report the fault.',
  },
} as const satisfies { readonly [code: string]: ApiCodeCard };
