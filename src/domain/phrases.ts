/** What a code says of a step, as the end of "Could not start gaming: …". */
export type Phrase = (names: { readonly target: string; readonly relay: string }) => string;

/** One phrase a code that a step can end with; docs/errors.md says what a person should do about each. */
export const phrases: Readonly<Record<string, Phrase>> = {
  // Of the house and its guests
  in_use: ({ target }) => `${target} is in use`,
  exclusive_busy: ({ target }) => `another guest holds what ${target} needs`,
  guest_not_adopted: ({ target }) => `${target} is not adopted yet`,
  guest_mismatch: ({ target }) => `another machine now sits in the place of ${target}`,
  guest_missing: ({ target }) => `Proxmox knows no ${target}`,
  guest_locked: ({ target }) => `Proxmox has ${target} locked, such as by a backup`,
  guest_config_locked: ({ target }) => `another task holds the configuration of ${target}`,
  guest_paused: ({ target }) => `${target} is suspended`,
  guest_not_running: ({ target }) => `${target} is not running`,
  guest_already_running: ({ target }) => `${target} is running already`,
  guest_did_not_stop: ({ target }) => `${target} did not shut down in time, and still runs`,
  guest_did_not_pause: ({ target }) => `${target} did not suspend`,
  guest_did_not_resume: ({ target }) => `${target} did not resume`,
  guest_did_not_return: ({ target }) => `${target} did not come back`,
  guests_survived: ({ target }) => `a guest of ${target} did not shut down, so it stays on`,
  strangers_run: ({ target }) => `guests that the house does not name run on ${target}`,
  not_for_containers: ({ target }) => `${target} is a container, with which that cannot be done`,
  agent_silent: ({ target }) => `${target} runs, but its guest agent does not answer`,
  agent_not_configured: ({ target }) => `${target} has no guest agent`,
  agent_error: ({ target }) => `the guest agent of ${target} answered with an error`,
  guest_by_hand: ({ target }) => `${target} is a container, which is prepared by hand`,
  guest_not_debian: ({ target }) => `${target} does not run Debian`,
  guest_too_old: ({ target }) => `the Debian or the Podman of ${target} is too old`,
  guest_disk_full: ({ target }) => `the disk of ${target} is full`,
  apt_no_network: ({ target }) => `${target} reaches no server with packages`,
  apt_locked: ({ target }) => `another program installs packages on ${target}`,
  apt_package_unknown: ({ target }) => `the sources of ${target} lack a package`,
  apt_would_remove: ({ target }) => `packages of ${target} would have to go for it`,
  apt_failed: ({ target }) => `apt failed on ${target}`,
  device_in_use: ({ target }) => `a device that ${target} needs is in use`,
  host_did_not_wake: ({ target }) => `${target} did not wake`,
  host_still_on: ({ target }) => `${target} is still on`,
  deadline_passed: ({ relay }) => `the time of the order ran out while ${relay} was at it`,
  wake_not_sent: ({ target, relay }) => `${relay} could not send the packet that wakes ${target}`,
  wake_unknown: ({ target, relay }) => `${relay} does not know how to wake ${target}`,
  // Of Proxmox
  proxmox_unreachable: ({ relay }) => `the Proxmox of ${relay} does not answer`,
  proxmox_timeout: ({ relay }) => `the Proxmox of ${relay} did not answer in time`,
  proxmox_certificate_changed: ({ relay }) => `the Proxmox of ${relay} shows another certificate`,
  proxmox_tls: ({ relay }) => `the Proxmox of ${relay} could not be reached by TLS`,
  proxmox_unauthorized: ({ relay }) => `the Proxmox of ${relay} does not take the relay's token`,
  proxmox_forbidden: ({ relay }) => `the relay's token may not do that on ${relay}`,
  proxmox_bad_answer: ({ relay }) => `the Proxmox of ${relay} gave an answer that makes no sense`,
  proxmox_bad_parameter: ({ relay }) => `the Proxmox of ${relay} did not take a parameter`,
  proxmox_proxy_error: ({ relay }) => `the Proxmox of ${relay} could not reach itself`,
  proxmox_error: ({ relay }) => `the Proxmox of ${relay} answered with an error`,
  proxmox_busy: ({ relay }) => `the Proxmox of ${relay} could not start a task`,
  proxmox_task_failed: ({ relay }) => `the task failed on ${relay}`,
  proxmox_not_configured: ({ relay }) => `the relay on ${relay} was not given its Proxmox`,
  // Of the relay's judgement
  not_granted: () => 'the trust document does not allow it',
  limit_reached: () => 'that was ordered too often lately',
  trust_expired: () => 'the trust document has expired',
  intent_expired: ({ relay }) => `the order reached ${relay} too late`,
  action_unknown: ({ relay }) => `${relay} does not know how to do that`,
  target_unknown: ({ target }) => `the trust document knows no ${target}`,
  relay_wrong: ({ relay }) => `the trust document does not leave that to ${relay}`,
  params_invalid: () => 'its parameters do not fit',
  after_unmet: () => 'the step before it did not end as needed',
  precheck_timeout: ({ target, relay }) => `${relay} could not find out in time how ${target} stands`,
  journal_unwritable: ({ relay }) => `${relay} cannot write its journal`,
  state_restored: ({ relay }) => `the relay on ${relay} was restored from an old copy and must enrol again`,
  interrupted: ({ relay }) => `${relay} was interrupted, and cannot tell what came of it`,
  relay_fault: ({ relay }) => `the relay on ${relay} has a fault`,
  // Of this side
  expired: ({ relay }) => `${relay} did not take the order in time`,
  skipped: () => 'the step before it did not end as needed',
  superseded: () => 'a newer release came first',
  trust_changed: () => 'the trust document was changed meanwhile',
};

/** The phrase of a code; an unknown code is named. */
export function phraseOf(code: string | null, names: { target: string; relay: string }): string {
  if (code === null) return 'no reason was given';
  const phrase = Object.hasOwn(phrases, code) ? phrases[code] : undefined;
  return phrase === undefined ? `it ended with the code ${code}` : phrase(names);
}
