import type { CodeCard } from './code-card.ts';

export type ApiCodeCard = CodeCard & { readonly status: number };

/** Codes of the API's problem documents: `type` is errors.md#<code>, `status` the HTTP status. */
export const apiCodes = {
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
    meaning: 'These credentials asked more often than they may. Nothing was done.',
    todo: 'Wait as long as `Retry-After` says. `?wait=` follows a command without asking again and again.',
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
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The address exists, but not with this method; `Allow` names those that it has.',
    todo: 'Use one of them.',
  },

  // Orders
  not_set_up: {
    status: 409,
    title: 'Not set up yet',
    meaning: 'No owner has claimed this instance.',
    todo: 'Run `writ init` with the code that `writ serve` printed.',
  },
  action_unknown: {
    status: 400,
    title: 'No such action',
    meaning: 'There is no action of this name. Nothing was done.',
    todo: 'See /docs for the actions there are.',
  },
  target_unknown: {
    status: 404,
    title: 'No such host or guest',
    meaning: 'The house has no target of this name that the action fits. Nothing was done.',
    todo: 'See `writ status` for the names.',
  },
  runbook_unknown: {
    status: 404,
    title: 'No such runbook',
    meaning: 'The house has no runbook of this name. Nothing was done.',
    todo: 'See GET /v1/runbooks; runbooks are in the house file.',
  },
  command_unknown: {
    status: 404,
    title: 'No such command',
    meaning: 'There is no command with this id.',
    todo: 'See GET /v1/commands.',
  },
  params_invalid: {
    status: 400,
    title: 'Parameters do not fit',
    meaning: 'The action does not take these parameters. Nothing was done.',
    todo: 'See /docs for what it takes.',
  },
  host_does_not_sleep: {
    status: 409,
    title: 'This host does not sleep',
    meaning:
      'The trust document does not say that this host sleeps, so `sleep` does not apply. Nothing was done.',
    todo: 'Mark it `sleeps: true` in the house file, or order `shutdown` if you mean it.',
  },
  host_already_off: {
    status: 409,
    title: 'Off already',
    meaning: 'The host is off already, so nothing was ordered.',
    todo: 'Nothing.',
  },
  nothing_can_wake: {
    status: 409,
    title: 'Nobody can wake it',
    meaning: 'The host is off, and trust names no relay that could wake it. Nothing was done.',
    todo: 'Switch it on by hand, or give it `mac`, `wake_via` and `wake_address` in the house file.',
  },
  relay_not_admitted: {
    status: 409,
    title: 'No relay there',
    meaning: 'The host that would have to act has no admitted relay. Nothing was done.',
    todo: 'Enrol it: `writ relays add <host>`, then `writ relays approve`.',
  },
  rival_not_covered: {
    status: 403,
    title: 'Another guest holds what it needs',
    meaning:
      'A running guest holds an exclusive resource, and these credentials may not shut that guest down. Nothing was done.',
    todo: 'Shut the other guest down first, or use a token whose scope allows it.',
  },
  plan_too_long: {
    status: 400,
    title: 'Too many steps',
    meaning: 'The order would need more than 64 steps. Nothing was done.',
    todo: 'Split the runbook.',
  },
  trust_expired: {
    status: 409,
    title: 'Trust document expired',
    meaning: 'Relays run no jobs under an expired trust document, so nothing was ordered.',
    todo: 'Sign a new version on the owner’s computer: `writ trust renew`.',
  },
  locked: {
    status: 409,
    title: 'Another command is at it',
    meaning:
      'A command that still runs holds a target or resource of this one; `held_by` names it. Nothing was done.',
    todo: 'Wait for it, or follow it with GET /v1/commands/{id}.',
  },

  // Signed intents
  intent_malformed: {
    status: 400,
    title: 'Intent malformed',
    meaning: 'The signed bytes are no intent. Nothing was done.',
    todo: 'Plan again, with a CLI of the same version.',
  },
  home_wrong: {
    status: 400,
    title: 'Of another home',
    meaning: 'What was signed is for another home. Nothing was done.',
    todo: 'Check which home the CLI is set up for.',
  },
  intent_expired: {
    status: 409,
    title: 'Intent expired',
    meaning: 'What was signed is over its lifetime. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  intent_from_the_future: {
    status: 409,
    title: 'Clocks disagree',
    meaning: 'What was signed begins later than now by this clock. Nothing was done.',
    todo: 'Set the clocks (`timedatectl`).',
  },
  authorisation_invalid: {
    status: 403,
    title: 'Signature not valid',
    meaning: 'The authorisation does not verify with a key that trust names. Nothing was done.',
    todo: 'Sign with the operator key that the trust document names.',
  },
  authorisation_of_another_intent: {
    status: 403,
    title: 'Signature of other bytes',
    meaning: 'The authorisation is valid, but for another intent. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  intent_used: {
    status: 409,
    title: 'Intent used before',
    meaning: 'These very bytes were submitted before; each intent runs once.',
    todo: 'Plan and sign again.',
  },
  intent_not_of_order: {
    status: 400,
    title: 'Intent does not do what was ordered',
    meaning: 'The signed steps are no plan of the order beside them. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  relay_wrong: {
    status: 409,
    title: 'Another relay does this',
    meaning: 'By the trust document in force, another relay does this step. Nothing was done.',
    todo: 'Plan and sign again.',
  },
  not_granted: {
    status: 403,
    title: 'Not granted by trust',
    meaning: 'The trust document does not let this identity order this. Nothing was done.',
    todo: 'Grant it in a new version of trust, if it should.',
  },

  // Setup, trust, house
  already_set_up: {
    status: 409,
    title: 'Set up already',
    meaning: 'This instance has an owner.',
    todo: 'Use the CLI of the computer where `writ init` ran.',
  },
  setup_code_wrong: {
    status: 403,
    title: 'Setup code wrong',
    meaning: 'The code is not the one that this run of `writ serve` printed. Nothing was claimed.',
    todo: 'Copy the whole code; each start of `writ serve` prints a new one.',
  },
  controller_key_wrong: {
    status: 409,
    title: 'Another controller’s key',
    meaning: 'The trust document names another controller key than this instance has. Nothing was changed.',
    todo: 'Use the code of this instance, or restore its key file.',
  },
  operator_key_wrong: {
    status: 403,
    title: 'Not the operator’s key',
    meaning: 'The request was not proved by the operator key of the document itself. Nothing was claimed.',
    todo: 'Run `writ init` again.',
  },
  house_invalid: {
    status: 400,
    title: 'House file not consistent',
    meaning: 'The house file contradicts itself; `detail` says where. Nothing was changed.',
    todo: 'Mend it.',
  },
  trust_malformed: {
    status: 400,
    title: 'Trust document malformed',
    meaning: 'It is no trust document of this version. The old one stays in force.',
    todo: 'Make it with a CLI of the same version.',
  },
  trust_key_weak: {
    status: 400,
    title: 'Weak or malformed key',
    meaning: 'The document names a key that could be forged. The old one stays in force.',
    todo: 'Make a new key for the identity that is named.',
  },
  trust_inconsistent: {
    status: 400,
    title: 'Trust document contradicts itself',
    meaning: 'The document is not consistent; `detail` says where. The old one stays in force.',
    todo: 'Mend what is named.',
  },
  trust_signature: {
    status: 403,
    title: 'Signature not valid',
    meaning: 'A signature on the document does not verify. The old one stays in force.',
    todo: 'Sign it with the roots that trust names.',
  },
  trust_threshold: {
    status: 403,
    title: 'Too few roots signed',
    meaning:
      'The thresholds of the old and the new roots must both be reached. The old document stays in force.',
    todo: 'Sign with more roots.',
  },
  trust_version: {
    status: 409,
    title: 'Not the next version',
    meaning: 'Versions follow one another without a gap. The old one stays in force.',
    todo: 'Fetch the version in force (`writ trust show`), and make the next from it.',
  },
  trust_chain: {
    status: 409,
    title: 'Does not follow the version in force',
    meaning: 'The document follows another one than the version in force, which stays in force.',
    todo: 'Make the next version from the one in force. If you did, somebody else changed trust: find out who.',
  },
  trust_home: {
    status: 400,
    title: 'Trust of another home',
    meaning: 'The document is of another home. The old one stays in force.',
    todo: 'Check which home the CLI is set up for.',
  },
  trust_digest: {
    status: 409,
    title: 'Not the document that was told',
    meaning: 'The document has another digest than was told at the console. It was not taken.',
    todo: 'Begin enrolment again. If it happens again, something in between changes documents.',
  },
  trust_exists: {
    status: 409,
    title: 'Another document has this version',
    meaning: 'A different document of the same version is in force already.',
    todo: 'Make the next version from the one in force.',
  },

  // Enrolment
  enrolment_malformed: {
    status: 400,
    title: 'Enrolment malformed',
    meaning: 'The statement is not what a relay of this version says. Nothing was enrolled.',
    todo: 'Use a relay of the same version.',
  },
  code_unknown: {
    status: 403,
    title: 'Enrolment code unknown',
    meaning: 'Nobody registered this code here. Nothing was enrolled.',
    todo: 'Make a new code with `writ relays add`.',
  },
  code_used: {
    status: 409,
    title: 'Enrolment code used',
    meaning: 'A relay enrolled with this code before; it serves once. Nothing was enrolled now.',
    todo: 'If that was not yours, do not approve it. Make a new code with `writ relays add`.',
  },
  code_expired: {
    status: 403,
    title: 'Enrolment code expired',
    meaning: 'A code lives 30 minutes. Nothing was enrolled.',
    todo: 'Make a new code with `writ relays add`.',
  },
  code_exists: {
    status: 409,
    title: 'Enrolment code exists',
    meaning: 'A code with this id is registered already.',
    todo: 'Make a new code with `writ relays add`.',
  },
  code_of_another_relay: {
    status: 403,
    title: 'Code of another relay',
    meaning: 'The code was made for a relay of another name. Nothing was enrolled.',
    todo: 'Use the line that `writ relays add` printed for this host.',
  },
  enrolment_mac: {
    status: 403,
    title: 'Enrolment not authentic',
    meaning: 'The statement was not made with this code’s secret. Nothing was enrolled.',
    todo: 'Copy the whole line. If you did, somebody in between changed the statement.',
  },
  key_weak: {
    status: 400,
    title: 'Weak or malformed key',
    meaning: 'The key could be forged. Nothing was enrolled.',
    todo: 'Remove the key file and enrol again.',
  },
  key_known: {
    status: 409,
    title: 'Key known already',
    meaning: 'This key belongs to another identity or relay. Nothing was enrolled.',
    todo: 'Remove the copied key file and enrol again: each relay makes its own.',
  },
  trust_unknown: {
    status: 409,
    title: 'Trust document unknown here',
    meaning:
      'The relay was told to obey a trust document that this home does not have. Nothing was enrolled.',
    todo: 'Make a new code with `writ relays add`.',
  },

  // Relays
  session_superseded: {
    status: 409,
    title: 'A newer run of this relay polls',
    meaning: 'Another run with this relay’s identity began later; this one gets no jobs.',
    todo: 'If only one should run, somebody copied its key: remove it from trust and enrol again.',
  },
  poll_out_of_order: {
    status: 409,
    title: 'Poll out of order',
    meaning: 'Polls of a run are numbered upwards, and this one is old. Nothing was handed out.',
    todo: 'Nothing; the relay’s next poll is in order. If it persists, two relays share a key.',
  },
  protocol_unsupported: {
    status: 409,
    title: 'Protocol not supported',
    meaning: 'Relay and control plane are too many versions apart. Nothing was handed out.',
    todo: 'Update the older of the two.',
  },
  receipt_malformed: {
    status: 400,
    title: 'Receipt malformed',
    meaning: 'What was posted is no receipt that verifies. It was not stored.',
    todo: 'Update the relay. Its journal keeps the receipt.',
  },
  receipt_foreign: {
    status: 403,
    title: 'Receipt of another relay',
    meaning: 'A relay posts its own receipts only. It was not stored.',
    todo: 'Find out which machine holds a copy of a relay’s key.',
  },
  receipt_chain: {
    status: 409,
    title: 'Receipts do not continue',
    meaning: 'The receipt does not follow the ones that are held. It was not stored.',
    todo: 'If the relay’s state was restored from a copy, enrol it again.',
  },
  report_malformed: {
    status: 400,
    title: 'Report malformed',
    meaning: 'What was posted is no report that verifies. It was not stored.',
    todo: 'Update the relay.',
  },
  report_foreign: {
    status: 403,
    title: 'Report of another relay',
    meaning: 'A relay posts its own reports only. It was not stored.',
    todo: 'Find out which machine holds a copy of a relay’s key.',
  },

  // Tokens
  token_unknown: {
    status: 404,
    title: 'No such token',
    meaning: 'There is no token with this id.',
    todo: 'See `writ tokens list`.',
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

export type ApiCode = keyof typeof apiCodes;
