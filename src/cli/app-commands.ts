import { didYouMean } from '../../schema/near.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { commandActionType, readCommandName } from '../../schema/wire/ids.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** Full names of the commands of apps that trust lets anybody order, sorted. */
export function grantedCommands({ identities }: Pick<TrustDocument, 'identities'>): string[] {
  const granted = Object.values(identities).flatMap((identity) =>
    identity.kind === 'key' ? identity.may.filter(isCommandGrant) : [],
  );
  return [...new Set(granted.flatMap(({ on }) => on))].sort();
}

export const isCommandGrant = ({ action }: TrustGrant): boolean => action === commandActionType;

/** Whether a full name can be one of a command in this house; whether an app declares it, only its guest knows. */
export function judgeCommandName({ house }: TrustDocument, name: string): { ok: true } | Failure {
  const machine = readCommandName(name)?.machine;
  if (machine === undefined) {
    return fail(
      exits.usage,
      'target_unknown',
      `${name} is no name of a command, which is GUEST/APP/COMMAND.`,
    );
  }
  const guests = Object.keys(house.guests);
  const isHost = Object.hasOwn(house.hosts, machine);
  if (!isHost && !guests.includes(machine)) {
    return fail(exits.usage, 'target_unknown', `There is no guest ${machine}.${didYouMean(machine, guests)}`);
  }
  if (house.guests[machine]?.kind === 'qemu') return { ok: true };
  const what = isHost ? 'a host' : 'a container (LXC)';
  return fail(
    exits.refused,
    'command_not_there',
    `${machine} is ${what}: commands of apps run on virtual machines alone so far.`,
  );
}
