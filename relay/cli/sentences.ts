import type { EnrolRefusal } from '../agent/enrol.ts';
import type { StartRefusal } from '../start.ts';

/** What a person reads when the relay does not start: what is wrong, and what to do. */
export const startSentences = {
  state_in_use: 'Another process uses this state folder. Is the relay running already?',
  state_unreadable: 'The state folder cannot be read.',
  boot_id_unreadable: 'The id of this boot cannot be read from /proc.',
  not_enrolled:
    'This host is not enrolled. Get a code with `writ relays add` and run `writ-relay enroll CODE`.',
  key_missing: 'There is a journal but no key. Enrol this host again: `writ-relay enroll CODE --again`.',
  key_unreadable: 'The relay’s key cannot be read.',
  key_exposed:
    'Others than its owner may read the relay’s key. If nobody did: chmod 600 it. Else enrol again.',
  key_malformed: 'The relay’s key is damaged. Enrol this host again: `writ-relay enroll CODE --again`.',
  key_foreign: 'The journal is of another key. Enrol this host again: `writ-relay enroll CODE --again`.',
  journal_missing:
    'There is a key but no journal, so what was done already is not known. Enrol this host again: `writ-relay enroll CODE --again`.',
  journal_malformed:
    'The journal is damaged, so what was done already is not known. Enrol this host again: `writ-relay enroll CODE --again`.',
  journal_unreadable: 'The journal cannot be read.',
  config_missing: 'config.json is missing from the state folder. Enrol this host again with --again.',
  config_malformed: 'config.json is not as it should be.',
  config_unreadable: 'config.json cannot be read.',
  config_foreign: 'config.json is of another relay than the journal.',
  trust_missing:
    'There is no trust document, so nobody may order anything. Enrol this host again: `writ-relay enroll CODE --again`.',
  trust_unreadable: 'The trust document cannot be read.',
  trust_malformed: 'The stored trust document is damaged.',
  trust_key_weak: 'The stored trust document has a key that cannot be accepted.',
  trust_inconsistent: 'The stored trust document contradicts itself.',
  trust_signature: 'A signature of the stored trust document does not verify.',
  trust_threshold: 'The stored trust document has too few signatures of its roots.',
  trust_version: 'The stored trust document is older than one that this relay obeyed already.',
  trust_chain: 'The stored trust document does not follow the one that this relay obeyed.',
  trust_home: 'The stored trust document is of another home.',
  trust_digest: 'The stored trust document is not the one that this relay obeyed last.',
  proxmox_token_unreadable: 'The file of the Proxmox token cannot be read.',
  proxmox_token_exposed: 'Everybody may read the file of the Proxmox token.',
  proxmox_misconfigured: 'The configuration of Proxmox is malformed.',
} as const satisfies Record<StartRefusal, string>;

/** What a person reads when enrolling fails. Nothing has been kept then. */
export const enrolSentences = {
  code_malformed: 'This is no enrolment code, or it was not copied whole.',
  code_expired: 'This code has ended. Make a new one with `writ relays add`.',
  already_enrolled:
    'This host is enrolled already. To finish a setup that stopped half-way: writ-relay setup. To begin anew with another key and journal, add --again; its old key then counts for nothing.',
  proxmox_failed: 'Proxmox could not be asked for its guests. Nothing was sent to the control plane.',
  origin_certificate:
    'Whoever answers at the code’s address is not the control plane that the code pins. Nothing was sent. Check the address, and who is in between.',
  api_unreachable: 'The control plane did not answer.',
  api_refused: 'The control plane refused the code.',
  trust_refused:
    'The control plane gave another trust document than the one that the code names. Nothing was kept. Check whom you talk to.',
  trust_home: 'The trust document is of another home. Nothing was kept.',
  host_unknown: 'The trust document does not know this host.',
  state_unwritable: 'The state folder cannot be written.',
} as const satisfies Record<EnrolRefusal, string>;

/** What a person reads of the helper that does what needs root on a host. */
export const helperSentences = {
  enrolled_unwritable:
    'This host is enrolled, but the state of its helper as root cannot be written: no release can be applied to it or to its containers. Make room in /var/lib, then run: writ-relay trust seed DIGEST, with the digest that `writ trust show --json` tells on your computer.',
  unwritable: 'The state of the helper as root cannot be written. Make room in /var/lib.',
  clock_kept:
    'The relay takes the clock as right; its helper as root does not, because its state cannot be read or written.',
  trust_kept:
    'The relay obeys the newer document; its helper as root does not, because its state cannot be read or written.',
  trust_digest:
    'The trust document that this relay obeys has another digest. Compare it with what `writ trust show --json` tells on your computer. Nothing was changed.',
  trust_version: 'The helper as root obeys a newer trust document already. Nothing was changed.',
  not_root:
    'What the helper as root obeys is for root to say: sudo writ-relay trust seed DIGEST, with the digest that `writ trust show --json` tells on your computer.',
  helper_none: 'The packaged relay alone, with its state in /var/lib/writ-relay, has a helper as root.',
} as const;
