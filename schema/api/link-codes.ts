import type { ApiCodeCard } from './code-card.ts';

/** Enrolment, and what relays ask of the API. */
export const linkCodes = {
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
} as const satisfies { readonly [code: string]: ApiCodeCard };
