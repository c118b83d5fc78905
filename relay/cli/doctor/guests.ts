import { fine, notChecked, warning } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';
import { guestsHere } from './proxmox.ts';

const code = 'guest_agents';

/** Guests of which the house says that they have an agent answer by it; without, nobody knows whether one is in use. */
export const checkGuestAgents: Check = async (patient) => {
  const { proxmox } = patient;
  if (proxmox === null || typeof proxmox === 'string')
    return [notChecked(code, 'Proxmox VE cannot be asked here.')];
  const silent: string[] = [];
  const off: string[] = [];
  let asked = 0;
  for (const [name, guest] of guestsHere(patient)) {
    if (guest.kind !== 'qemu' || !guest.agent) continue;
    const status = await proxmox.api.guestStatus(guest);
    if (!status.ok || status.value.status !== 'running') {
      off.push(name);
      continue;
    }
    asked += 1;
    if (!(await proxmox.api.agentPing(guest)).ok) silent.push(name);
  }
  if (silent.length > 0) {
    return [
      warning(
        code,
        `No agent answers in ${silent.join(', ')}.`,
        'in the guest: apt install qemu-guest-agent; on this host: qm set VMID --agent enabled=1, then shut the guest down and start it',
      ),
    ];
  }
  if (asked === 0)
    return [
      notChecked(code, off.length > 0 ? `Not running: ${off.join(', ')}.` : 'No guest here has an agent.'),
    ];
  return [fine(code, `The agents of ${asked} running ${asked === 1 ? 'guest answer' : 'guests answer'}.`)];
};
