/** What a code says of a step, as the end of "Could not start gaming: …". */
export type Phrase = (names: { readonly target: string; readonly relay: string }) => string;

/** One phrase a code; docs/errors.md says what a person should do about each. */
export const phrases: Readonly<Record<string, Phrase>> = {
  // of the house and its guests
  in_use: ({ target }) => `${target} is in use`,
  exclusive_busy: ({ target }) => `another guest holds what ${target} needs`,
  guest_not_adopted: ({ target }) => `${target} is not adopted yet`,
  guest_mismatch: ({ target }) => `another machine now sits in the place of ${target}`,
  guest_missing: ({ target }) => `Proxmox knows no ${target}`,
  guest_locked: ({ target }) => `Proxmox has ${target} locked, such as by a backup`,
  guest_paused: ({ target }) => `${target} is paused`,
  guest_not_running: ({ target }) => `${target} is not running`,
  guest_did_not_start: ({ target }) => `${target} did not start`,
  guest_did_not_stop: ({ target }) => `${target} did not shut down in time, and still runs`,
  guests_survived: ({ target }) => `a guest of ${target} did not shut down, so it stays on`,
  agent_silent: ({ target }) => `${target} runs, but its guest agent does not answer`,
  host_did_not_wake: ({ target }) => `${target} did not wake`,
  device_in_use: ({ target }) => `a device that ${target} needs is in use`,
  // of Proxmox
  unreachable: ({ relay }) => `the Proxmox of ${relay} does not answer`,
  timeout: ({ relay }) => `the Proxmox of ${relay} did not answer in time`,
  pin_mismatch: ({ relay }) => `the Proxmox of ${relay} shows another certificate`,
  tls: ({ relay }) => `the Proxmox of ${relay} could not be reached by TLS`,
  unauthorized: ({ relay }) => `the Proxmox of ${relay} does not take the relay's token`,
  forbidden: ({ relay }) => `the relay's token may not do that on ${relay}`,
  not_found: ({ target }) => `Proxmox knows no ${target}`,
  config_locked: ({ target }) => `another task holds the configuration of ${target}`,
  no_worker: ({ relay }) => `the Proxmox of ${relay} could not start a task`,
  task_failed: ({ relay }) => `the task failed on ${relay}`,
  // of the relay's judgement
  not_granted: () => 'the trust document does not allow it',
  limit_reached: () => 'that was ordered too often lately',
  trust_expired: () => 'the trust document has expired',
  intent_expired: ({ relay }) => `the order reached ${relay} too late`,
  action_unknown: ({ relay }) => `${relay} does not know how to do that`,
  target_unknown: ({ target }) => `the trust document knows no ${target}`,
  relay_wrong: ({ relay }) => `the trust document does not leave that to ${relay}`,
  params_invalid: () => 'its parameters do not fit',
  after_unmet: () => 'the step before it did not end as needed',
  journal_unwritable: ({ relay }) => `${relay} cannot write its journal`,
  state_restored: ({ relay }) => `the relay on ${relay} was restored from an old copy and must enrol again`,
  interrupted: ({ relay }) => `${relay} was interrupted, and cannot tell what came of it`,
  // of this side
  expired: ({ relay }) => `${relay} did not take the order in time`,
  trust_changed: () => 'the trust document was changed meanwhile',
  tried_again: () => 'it is tried again',
};

/** The phrase of a code; an unknown code is named. */
export function phraseOf(code: string | null, names: { target: string; relay: string }): string {
  if (code === null) return 'no reason was given';
  const phrase = Object.hasOwn(phrases, code) ? phrases[code] : undefined;
  return phrase === undefined ? `it ended with the code ${code}` : phrase(names);
}
