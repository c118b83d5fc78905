import type { ActivationCode } from '../deploy/codes.ts';
import type { MachineReason } from '../machine/machine.ts';

/** What a receipt says of a machine's reason; explained in docs/errors.md. All else is a code as it is. */
const codes = {
  bad_path: 'target_error',
  symlink: 'target_symlink',
  not_found: 'target_changes',
  not_a_file: 'not_a_file',
  not_a_folder: 'not_a_folder',
  not_empty: 'target_changes',
  exists: 'target_changes',
  not_permitted: 'target_not_permitted',
  owner_unknown: 'owner_unknown',
  too_large: 'target_error',
  no_space: 'target_disk_full',
  read_only: 'target_read_only',
  timeout: 'target_timeout',
  aborted: 'activation_timeout',
  program_missing: 'target_program_missing',
  unreachable: 'target_unreachable',
  machine_error: 'target_error',
} as const satisfies Record<MachineReason, string>;

/** The code of what stood in the way of an activation. */
export const codeOfReason = (reason: ActivationCode): string =>
  Object.hasOwn(codes, reason) ? codes[reason as MachineReason] : reason;
