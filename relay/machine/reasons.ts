import { type Refusal, refuse } from '../../schema/result.ts';
import { own } from '../../schema/wire/record.ts';
import type { MachineReason } from './machine.ts';

const reasons: Readonly<Record<string, MachineReason>> = {
  ENOENT: 'not_found',
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  ELOOP: 'symlink',
  ENOTDIR: 'not_a_folder',
  EISDIR: 'not_a_file',
  ENOTEMPTY: 'not_empty',
  EEXIST: 'exists',
  ENOSPC: 'no_space',
  EDQUOT: 'no_space',
  EROFS: 'read_only',
};

/** What the system said, as a machine's reason. What is no error of the system is thrown on. */
export function reasonOf(error: unknown, path: string): Refusal<MachineReason> {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return refuse(reasonOfCode(code), `${path}: ${code}`);
}

const known: ReadonlySet<string> = new Set([
  ...Object.values(reasons),
  ...['owner_unknown', 'too_large', 'timeout', 'program_missing'],
]);

/** An errno's name as a machine's reason; a reason is itself. */
export const reasonOfCode = (code: string): MachineReason =>
  known.has(code) ? (code as MachineReason) : (own(reasons, code) ?? 'machine_error');
