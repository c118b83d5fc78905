import { ok, type Result, refuse } from '../../schema/result.ts';
import type { TrustGuest } from '../../schema/trust/document.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import type { GuestStatus } from '../drivers/proxmox-guests.ts';
import { refOf } from './guest.ts';
import { codeOf } from './proxmox-code.ts';

/**
 * Whether somebody uses a guest: where trust says `sessions`, a running guest is in use while its agent names a
 * logged-in user, and also while the agent does not answer. Refuses with `in_use`, or with the reason for which
 * Proxmox could not be asked.
 */
export async function checkUnused(
  proxmox: Proxmox,
  guest: TrustGuest,
  status: GuestStatus,
  signal: AbortSignal,
): Promise<Result<true, string>> {
  if (guest.in_use === 'never' || status.status === 'stopped') return ok(true);
  const users = await proxmox.agentUsers(refOf(guest), signal);
  if (users.ok) return users.value.length === 0 ? ok(true) : refuse('in_use', 'somebody is logged in');
  switch (users.reason) {
    case 'guest_not_running':
      return ok(true);
    case 'agent_not_configured':
    case 'agent_not_running':
    case 'agent_error':
    case 'bad_answer':
    case 'timeout':
    case 'guest_paused':
      return refuse('in_use', `the agent does not say who is logged in (${users.reason})`);
    default:
      return refuse(codeOf(users), users.detail);
  }
}
