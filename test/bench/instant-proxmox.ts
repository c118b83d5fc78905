import type { Proxmox } from '../../relay/drivers/proxmox.ts';
import type { ProxmoxResult } from '../../relay/drivers/proxmox-errors.ts';

const answer = async <T>(value: T): Promise<ProxmoxResult<T>> => ({ ok: true, value });
const asksNothing = async (): Promise<never> => {
  throw new Error('the bench only starts guests that run already');
};

/** The UUID that a guest of the bench is pinned to. */
export const uuidOf = (vmid: number): string => `00000000-0000-4000-8000-${String(vmid).padStart(12, '0')}`;

/** A Proxmox whose guests all run: it answers at once, so that nothing but Writ is measured. */
export const instantProxmox: Proxmox = {
  listGuests: () => answer([]),
  guestStatus: () => answer({ status: 'running', paused: false, uptimeS: 1 }),
  guestIdentity: ({ vmid }) => answer({ kind: 'qemu', vmid, uuid: uuidOf(vmid) }),
  nodeStatus: () =>
    answer({
      uptimeS: 1,
      pveversion: 'pve-manager/9.0.0',
      kernel: 'bench',
      cpu: 0,
      loadavg: [0, 0, 0],
      memory: { totalBytes: 1, usedBytes: 0 },
    }),
  start: asksNothing,
  shutdown: asksNothing,
  stop: asksNothing,
  reboot: asksNothing,
  suspend: asksNothing,
  resume: asksNothing,
  agentPing: asksNothing,
  agentUsers: asksNothing,
  agentExec: () => ({ maxStdin: 0, maxStdout: 0, run: asksNothing }),
  nodeShutdown: asksNothing,
  nodeReboot: asksNothing,
};
