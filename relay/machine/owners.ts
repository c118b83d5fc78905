import { readFile } from 'node:fs/promises';
import { ok, type Result, refuse } from '../../schema/result.ts';
import type { MachineReason, Owner } from './machine.ts';
import { reasonOf } from './reasons.ts';

/** Users and groups of this host by passwd(5) and group(5), read anew each time: a release may have made them. */
export function createOwners(): { find(owner: string): Promise<Result<Owner, MachineReason>> } {
  const idOf = async (file: string, name: string): Promise<number | null> => {
    if (/^\d+$/.test(name)) return Number(name);
    const line = (await readFile(file, 'utf8')).split('\n').find((one) => one.startsWith(`${name}:`));
    const id = line?.split(':')[2];
    return id !== undefined && /^\d+$/.test(id) ? Number(id) : null;
  };
  return {
    async find(owner) {
      const [user, group] = owner.split(':');
      if (user === undefined || group === undefined)
        return refuse('owner_unknown', `${owner} is not user:group`);
      try {
        const uid = await idOf('/etc/passwd', user);
        const gid = await idOf('/etc/group', group);
        if (uid !== null && gid !== null) return ok({ uid, gid });
        return refuse(
          'owner_unknown',
          `this machine has no ${uid === null ? `user ${user}` : `group ${group}`}`,
        );
      } catch (error) {
        return reasonOf(error, '/etc/passwd');
      }
    },
  };
}
