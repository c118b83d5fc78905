import type { ApiCodeCard } from './code-card.ts';

/** Setup, trust, the house, and tokens. */
export const ownerCodes = {
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
    meaning: 'The request was not proved by the operator key of the document itself. Nothing was changed.',
    todo: 'Run `writ init` again; for a later version, run the command on the computer that signed it.',
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

  // Tokens
  token_unknown: {
    status: 404,
    title: 'No such token',
    meaning: 'There is no token with this id.',
    todo: 'See `writ tokens list`.',
  },
} as const satisfies { readonly [code: string]: ApiCodeCard };
