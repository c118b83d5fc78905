import { refuse } from '../../schema/result.ts';
import type { Exec } from '../machine/remote-machine.ts';
import { createOutsideExec, type Outside } from './outside-exec.ts';

/** A container as trust pins it: another one may get its VMID. */
export type PinnedContainer = { readonly vmid: number; readonly identity: string };

/**
 * Runs programs in a container of this host as its root, by pct(1). Before each it is looked at whether the container is
 * still the one that is meant.
 *
 * @param rootOf the volume of a container's root file system, null where there is none
 */
export function createContainerExec(
  { vmid, identity }: PinnedContainer,
  outside: Outside,
  rootOf: (vmid: number) => Promise<string | null>,
): Exec {
  const exec = createOutsideExec(outside);
  return {
    ...exec,
    async run(argv, options) {
      if ((await rootOf(vmid)) !== identity) {
        return refuse('unreachable', `container ${vmid} is not the one that was adopted`);
      }
      // Without the environment of whoever asks.
      const ran = await exec.run(['pct', 'exec', String(vmid), '--keep-env', '0', '--', ...argv], options);
      if (!ran.ok || ran.value.code === 0 || ran.value.stdout !== '') return ran;
      return refuse('unreachable', `pct: ${ran.value.stderr.trim().slice(0, 200)}`);
    },
  };
}
