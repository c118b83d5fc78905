import type { MachineReason } from '../machine/machine.ts';

/**
 * Whose fault it is that an activation did not go well. `part`: tried again, it fails again, so that it is not tried by
 * itself; `target`: something there must be changed by a person first; `way`: it may go well the next time.
 */
export type Fault = 'part' | 'target' | 'way';

/** Every code that an activation can end with: what came of each is in one place. */
export const activationCodes = {
  /** Quadlet's generator refuses a unit file of the part. */
  unit_invalid: 'part',
  /** A program that the files are for refuses them: haproxy -c, unbound-checkconf, headscale configtest. */
  check_failed: 'part',
  /** A registry has no such image, or nobody made the local one. */
  image_missing: 'part',
  /** A service failed, or its container ended. */
  service_failed: 'part',
  /** A service did not say in its time that it is up. */
  start_timeout: 'part',
  /** A service came up and went down again, more than twice. */
  service_flaps: 'part',
  /** A service took its new configuration, and then said that it cannot use it. */
  reload_failed: 'part',
  /** Podman's own check of a container does not succeed. */
  container_unhealthy: 'part',
  /** The app's health probe had no answer, or another one. */
  probe_failed: 'part',
  /** Another program listens at a port that a service wants. */
  port_taken: 'part',
  /** A network that has to be made anew is in use by containers that are no part of the release. */
  network_in_use: 'part',
  /** An app lists a secret that nobody has set, or a file holds one that no app lists. */
  secret_missing: 'part',
  /** Two apps say otherwise how a secret is made. */
  secret_ambiguous: 'part',
  /** A secret is derived from itself. */
  secret_circular: 'part',
  /** A placeholder stands where nothing can be filled in. */
  secret_misplaced: 'part',
  /** A secret is made in a way that the relay does not know. */
  derived_unknown: 'part',
  /** A secret is encrypted to others than the target. */
  secret_not_for_target: 'part',
  /** A secret is no file of age, or damaged. */
  secret_unreadable: 'part',
  /** A secret has a NUL, which a file with placeholders cannot take. */
  secret_not_text: 'part',
  /** A value from which nothing can be derived in that way. */
  derived_unfit: 'part',
  /** The release has certificates, and not the intermediate by which they are made. */
  authority_missing: 'part',
  /** The intermediate is for another key than the relay's. */
  authority_foreign: 'part',
  /** The intermediate is none, or not of the root beside it. */
  authority_malformed: 'part',
  authority_expired: 'part',
  /** A certificate has a name that the intermediate does not permit. */
  certificate_not_permitted: 'part',
  /** What is fetched is something else than the release says, or nothing that a release could bring. */
  artifact_wrong: 'part',
  artifact_unfit: 'part',
  /** It failed here before; only an explicit retry or another part is tried. */
  part_quarantined: 'part',

  /** Somebody else's file stands where the release wants another. */
  foreign_file: 'target',
  /** What stands in the way is a folder or a link. */
  not_a_file: 'target',
  not_a_folder: 'target',
  /** So much lies in a folder that is kept free of other files that it is the wrong one. */
  prune_too_much: 'target',
  owner_unknown: 'target',
  /** A package or a user that the part takes for granted is not there, or another one is. */
  packages_missing: 'target',
  users_missing: 'target',
  podman_missing: 'target',
  /** Unit files that are no part of the release are refused by Quadlet's generator, which would take all units away. */
  units_broken: 'target',
  target_state_malformed: 'target',
  age_missing: 'target',
  /** The target has made no age identity yet, or none that it can use. */
  identity_missing: 'target',
  identity_lost: 'target',
  identity_malformed: 'target',
  identity_exposed: 'target',
  /** Podman has another secret of this name, which Writ did not create. */
  secret_foreign: 'target',
  /** A derived secret needs a program that the target lacks. */
  derived_program_missing: 'target',
  /** Podman gets no value by the driver. */
  secret_driver_failed: 'target',
  tmpfs_missing: 'target',
  shell_unfit: 'target',
  no_space: 'target',
  read_only: 'target',
  not_permitted: 'target',
  symlink: 'target',
  not_empty: 'target',
  exists: 'target',
  program_missing: 'target',

  /** A registry does not answer. */
  image_unreachable: 'way',
  /** The target cannot fetch what the release names from elsewhere. */
  artifact_unreachable: 'way',
  /** Bytes of the release could not be had, or were others. */
  blob_missing: 'way',
  blob_wrong: 'way',
  /** A file of the target changed while it was looked at. */
  file_changes: 'way',
  /** The generation before could not be put back whole. */
  revert_failed: 'way',
  /** The control plane is not reached any more by a way that worked before. */
  cut_off: 'way',
  /** The relay has no key of its own to make certificates with, or cannot keep what it needs for them. */
  authority_key_missing: 'way',
  podman_failed: 'way',
  secrets_failed: 'way',
  aborted: 'way',
  timeout: 'way',
  unreachable: 'way',
  machine_error: 'way',
  not_found: 'way',
  too_large: 'way',
  bad_path: 'way',
} as const satisfies Readonly<Record<MachineReason, Fault>> & Readonly<Record<string, Fault>>;

export type ActivationCode = keyof typeof activationCodes;

/** Whether a part that failed with this code is not tried again by itself. */
export const isQuarantining = (code: ActivationCode): boolean => activationCodes[code] === 'part';
