import type { CodeCard } from './code-card.ts';

const unchanged = 'Nothing was changed.';

/** What comes of certificates of the private CA: in receipts, reports and a relay's log. */
export const certificateCodes = {
  authority_missing: {
    title: 'No intermediate for certificates',
    meaning: `Apps of the release have certificates of the private CA, and it does not bring the intermediate of their host. ${unchanged}`,
    todo: '`writ ca init` once, then `writ ca sign`, and deploy anew.',
  },
  authority_foreign: {
    title: 'Intermediate for another key',
    meaning: `The intermediate that the release brings is not for the key that this relay has: the relay was enrolled anew since. ${unchanged}`,
    todo: '`writ ca sign`, and deploy anew.',
  },
  authority_malformed: {
    title: 'Intermediate malformed',
    meaning: `The intermediate that the release brings cannot be read, has no name constraints, or is not signed by the root beside it. ${unchanged}`,
    todo: '`writ ca sign --again`, and deploy anew. If it persists, look at who changed `ca/` in the repo.',
  },
  authority_expired: {
    title: 'Intermediate expired',
    meaning:
      'The intermediate of the host has ended, ends within a day, or has not begun. Nothing is made with it.',
    todo: '`writ ca sign`, and deploy anew. If it should be in force, check the clock of the host.',
  },
  certificate_not_ordered: {
    title: 'Certificates that nobody ordered',
    meaning:
      'What was changed by hand was to be put back, and the part that the guest says is in force names certificates that no release ordered for it. Nothing was made or changed.',
    todo: 'Release again with writ deploy --again. If it comes again, the guest says what is not true: look at it as at one that somebody took.',
  },
  certificate_not_permitted: {
    title: 'Certificate for a name that is not permitted',
    meaning: `A certificate is to have a name that the intermediate of its host does not permit, so that nobody would believe it. ${unchanged}`,
    todo: '`writ ca sign` signs an intermediate for the names that the repo has now. Then deploy anew.',
  },
  authority_key_missing: {
    title: 'Relay without a key for certificates',
    meaning: 'The relay could not read or write its key, or what it has to remember of certificates.',
    todo: 'See `journalctl -u writ-relay` on the host for `authority_key_unfit` or `certificates_unwritable`: the disk may be full, or others may read `authority.pem` in its state folder.',
  },
  certificate_users_untold: {
    title: 'Users of a certificate untold',
    meaning:
      'A certificate was renewed, and a service that uses it could not be restarted or reloaded. It is tried again, a few times.',
    todo: 'See `systemctl status` of the service on the target.',
  },
} satisfies Readonly<Record<string, CodeCard>>;
