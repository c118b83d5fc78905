import type { CodeCard } from './code-card.ts';

/** Why a relay does not enrol or start. */
export const startCodes = {
  code_malformed: {
    title: 'Code not copied whole',
    meaning: 'The line is no code of this version. Nothing was done.',
    todo: 'Copy the whole line again.',
  },
  already_enrolled: {
    title: 'Enrolled already',
    meaning: 'This state folder holds a relay.',
    todo: 'Use `--again` if you mean to begin anew; the old identity is of no use then.',
  },
  origin_certificate: {
    title: 'Another certificate answers',
    meaning: 'What answers at the code’s origin does not have the pinned certificate. Nothing was sent.',
    todo: 'If you did not change the control plane’s certificate, somebody stands in between. Make a new code otherwise.',
  },
  api_unreachable: {
    title: 'Control plane does not answer',
    meaning: 'Nothing answers at the code’s origin. Nothing was enrolled.',
    todo: 'Check the network, and that `writ serve` runs.',
  },
  api_refused: {
    title: 'Control plane refused',
    meaning: '`detail` begins with its code, which is explained here as well.',
    todo: 'See that code.',
  },
  host_unknown: {
    title: 'Host not in the house',
    meaning: 'The code is for a host that the trust document does not have. Nothing was enrolled.',
    todo: 'Add the host to the house file and sign a new trust version.',
  },
  state_unwritable: {
    title: 'State folder cannot be written',
    meaning: 'Nothing was enrolled.',
    todo: 'Check the folder’s owner, mode and disk.',
  },
  state_unreadable: {
    title: 'State folder cannot be read',
    meaning: 'The relay does not start.',
    todo: 'Check the folder’s owner and mode.',
  },
  state_in_use: {
    title: 'Another relay runs here',
    meaning: 'Another process holds this state folder. This one does not start.',
    todo: 'Stop the other one.',
  },
  boot_id_unreadable: {
    title: 'Boot cannot be told',
    meaning: 'The system does not say which boot this is, without which nothing runs at most once.',
    todo: 'Check that /proc is mounted.',
  },
  not_enrolled: {
    title: 'Not enrolled',
    meaning: 'The state folder is empty.',
    todo: 'Run `writ-relay enroll CODE` with the line of `writ relays add`.',
  },
  key_missing: {
    title: 'Relay’s key is missing',
    meaning: 'There is a journal, but no key. The relay does not start.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  key_unreadable: {
    title: 'Relay’s key cannot be read',
    meaning: 'The relay does not start.',
    todo: 'Check the file’s owner and mode.',
  },
  key_exposed: {
    title: 'Relay’s key can be read by others',
    meaning: 'The file’s mode lets others read it. The relay does not start.',
    todo: 'If others were on that machine, enrol again; otherwise `chmod 600` the file.',
  },
  key_malformed: {
    title: 'Relay’s key is damaged',
    meaning: 'The relay does not start.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  key_foreign: {
    title: 'Key and journal do not belong together',
    meaning: 'The relay does not start.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  journal_missing: {
    title: 'Journal is missing',
    meaning: 'A key without its journal could run orders twice. The relay does not start.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  journal_malformed: {
    title: 'Journal is damaged',
    meaning: 'The relay does not start.',
    todo: 'Enrol the relay again at its console: `writ relays add`, `writ-relay enroll --again`.',
  },
  journal_unreadable: {
    title: 'Journal cannot be read',
    meaning: 'The relay does not start.',
    todo: 'Check the file’s owner, mode and disk.',
  },
  trust_missing: {
    title: 'Trust document is missing',
    meaning: 'The relay obeys nothing without one, so it does not start.',
    todo: '`writ-relay trust install FILE` with a document of this home, or enrol again.',
  },
  trust_unreadable: {
    title: 'Trust document cannot be read',
    meaning: 'The relay does not start.',
    todo: 'Check the file’s owner, mode and disk.',
  },
  config_missing: {
    title: 'Configuration is missing',
    meaning: 'The relay does not start.',
    todo: 'Enrol the relay; enrolment writes it.',
  },
  config_malformed: {
    title: 'Configuration malformed',
    meaning: 'The relay does not start.',
    todo: 'Correct what is named.',
  },
  config_unreadable: {
    title: 'Configuration cannot be read',
    meaning: 'The relay does not start.',
    todo: 'Check the file’s owner and mode.',
  },
  config_foreign: {
    title: 'Configuration of another relay',
    meaning: 'It names another relay or home than the state. The relay does not start.',
    todo: 'Put the right file there, or enrol again.',
  },
  proxmox_failed: {
    title: 'Proxmox could not be asked',
    meaning: 'At enrolment the host’s guests could not be listed. Nothing was enrolled.',
    todo: 'See `detail`, mend it and enrol again.',
  },
  proxmox_misconfigured: {
    title: 'Proxmox’s settings are wrong',
    meaning: 'The relay’s configuration of Proxmox cannot be used. It does not start.',
    todo: 'Correct what is named.',
  },
  proxmox_token_unreadable: {
    title: 'Proxmox’s token cannot be read',
    meaning: 'The credential file is missing or malformed. The relay does not start.',
    todo: 'Put the token where the message says.',
  },
  proxmox_token_exposed: {
    title: 'Proxmox’s token can be read by others',
    meaning: 'The credential file’s mode lets others read it. The relay does not start.',
    todo: '`chmod 600` the file, and make a new token if others were on that machine.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
