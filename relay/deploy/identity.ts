import { type Result, refuse } from '../../schema/result.ts';
import { ageKindOf } from '../../schema/wire/age-recipient.ts';
import type { Machine, MachineReason } from '../machine/machine.ts';
import { runSecrets, type SecretFault } from './secrets/secrets.ts';

export type IdentityReason = MachineReason | SecretFault;

/**
 * The recipient of a target: the public half of the age identity that it made and that never leaves it. Reads only.
 * `identity_missing` before the first, `identity_lost` where there was one.
 */
export const readRecipient = (machine: Machine): Promise<Result<string, IdentityReason>> =>
  ask(machine, 'look');

/**
 * Lets a target make its identity where it has none, in /var/lib/writ-target/identity, mode 0400, and gives the recipient.
 * One that is there is kept. One that is lost is told as `identity_lost`, unless it is asked for `anew`: what was
 * encrypted to it stays closed, and the owner encrypts again to the new one (`writ secrets recipients`).
 */
export const makeIdentity = (
  machine: Machine,
  { anew = false }: { readonly anew?: boolean } = {},
): Promise<Result<string, IdentityReason>> => ask(machine, anew ? 'anew' : 'make');

async function ask(machine: Machine, how: 'look' | 'make' | 'anew'): Promise<Result<string, IdentityReason>> {
  const said = await runSecrets(machine, 'identity', how);
  if (!said.ok) return said;
  const recipient = said.value.trim();
  return ageKindOf(recipient) === null
    ? refuse('identity_malformed', `${machine.name} gives a recipient that is none`)
    : { ok: true, value: recipient };
}
