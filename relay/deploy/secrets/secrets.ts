import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { Machine, MachineReason } from '../../machine/machine.ts';
import { blobPath } from '../target-state.ts';
import { secretsProgram } from './secrets-program.ts';

const timeoutMs = 5 * 60_000;
const maxBytes = 64 * 1024;

/** What the program on the target says that went wrong. */
export const secretFaults = [
  /** There is no age on the target. */
  'age_missing',
  /** The target has made no identity yet: nothing can be encrypted to it. */
  'identity_missing',
  /** It has made one, which is gone. */
  'identity_lost',
  'identity_malformed',
  /** Others than root may read it. */
  'identity_exposed',
  /** Podman has a secret of this name from somebody else, with another value. */
  'secret_foreign',
  /** A file that Writ did not put there is in the way, and is not what would be filled in. */
  'foreign_file',
  'secret_missing',
  /** It is encrypted to others than the target's identity. */
  'secret_not_for_target',
  /** What was released is no file of age, or is damaged. */
  'secret_unreadable',
  /** Its value has a NUL, which no text can take. */
  'secret_not_text',
  /** A derived secret needs a program that the target lacks. */
  'derived_program_missing',
  /** A value from which nothing can be derived in that way. */
  'derived_unfit',
  'owner_unknown',
  /** Podman does not get a value by the driver. */
  'secret_driver_failed',
  'podman_failed',
  /** /run is not in memory: nothing is written there in clear. */
  'tmpfs_missing',
  'shell_unfit',
  'secrets_failed',
] as const;
export type SecretFault = (typeof secretFaults)[number];
const known: ReadonlySet<string> = new Set(secretFaults);

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * Runs the program of secrets on a target, whatever is installed there, and gives what it printed. No value passes
 * between the target and the relay: names, paths and the public recipient alone.
 */
export async function runSecrets(
  machine: Machine,
  ...words: readonly string[]
): Promise<Result<string, MachineReason | SecretFault>> {
  const ran = await machine.run(['/bin/sh', '-c', secretsProgram(), 'writ-secrets', ...words], {
    timeoutMs,
    maxBytes,
  });
  if (!ran.ok) return ran;
  const { code, stdout, stderr } = ran.value;
  if (code === 0) return ok(text(stdout));
  const [, fault = '', detail = ''] = /^writ ([a-z_]+) ?(.*)$/m.exec(text(stderr)) ?? [];
  // A target's word is no better than the target.
  return refuse(
    known.has(fault) ? (fault as SecretFault) : 'secrets_failed',
    `${machine.name}: ${known.has(fault) ? detail.replace(/[^ -~]/g, '?').slice(0, 300) : `it ended with ${code}`}`,
  );
}

/**
 * Whether a table, which lies among the target's blobs with all that it names, can be applied: everything that is new in
 * it is decrypted and made. Nothing is changed.
 *
 * @param claims files in the way, which must hold what would be filled in
 * @returns whether Podman has secrets of other drivers that hold the same
 */
export async function checkSecrets(
  machine: Machine,
  table: string,
  claims: readonly string[],
): Promise<Result<{ readonly foreign: boolean }, MachineReason | SecretFault>> {
  const said = await runSecrets(machine, 'check', blobPath(table), ...claims);
  return said.ok ? ok({ foreign: /^foreign /m.test(said.value) }) : said;
}

/** Fills in files and tells Podman names, as the table says that is installed; without one, takes all of it away. */
export const applySecrets = (machine: Machine) => runSecrets(machine, 'apply');

/** Replaces secrets that other drivers of Podman keep, where they hold the same; whoever runs keeps running. */
export const takeOverSecrets = (machine: Machine) => runSecrets(machine, 'take-over');
