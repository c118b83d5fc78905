import { failure, type ProxmoxResult } from './proxmox-errors.ts';
import { type GuestRef, guestPath } from './proxmox-guests.ts';
import type { ProxmoxHttp } from './proxmox-http.ts';
import { agentPingShape, agentUsersShape } from './proxmox-shapes.ts';

/** Somebody logged in to a guest, as its agent claims. */
export type LoggedInUser = { readonly user: string; readonly domain?: string };

// The server gives the agent 3 s to answer its own ping before it passes a command on.
const agentTimeoutMs = 20_000;
const maxAgentBytes = 64 * 1024;

function isAgentError(result: unknown): result is { readonly error: unknown } {
  return typeof result === 'object' && result !== null && 'error' in result;
}

const noContainerAgent = () => failure('agent_not_configured', 'containers have no guest agent');

/** Succeeds when the guest's agent answers. */
export async function agentPing(
  http: ProxmoxHttp,
  node: string,
  guest: GuestRef,
  signal?: AbortSignal,
): Promise<ProxmoxResult<null>> {
  if (guest.kind !== 'qemu') return noContainerAgent();
  const answer = await http({
    method: 'POST',
    path: `${guestPath(node, guest)}/agent/ping`,
    shape: agentPingShape,
    timeoutMs: agentTimeoutMs,
    maxBytes: maxAgentBytes,
    signal,
  });
  if (!answer.ok) return answer;
  // Errors of the agent arrive as a success of the server.
  if (isAgentError(answer.value.result)) return failure('agent_error', 'the agent refused the ping');
  return { ok: true, value: null };
}

/**
 * Who is logged in, at most 256 users. The answer comes from inside the guest and is no better than the guest:
 * over the caps or of a wrong shape it is `bad_answer`, names are cut and cleaned.
 */
export async function agentUsers(
  http: ProxmoxHttp,
  node: string,
  guest: GuestRef,
  signal?: AbortSignal,
): Promise<ProxmoxResult<readonly LoggedInUser[]>> {
  if (guest.kind !== 'qemu') return noContainerAgent();
  const answer = await http({
    method: 'GET',
    path: `${guestPath(node, guest)}/agent/get-users`,
    shape: agentUsersShape,
    timeoutMs: agentTimeoutMs,
    maxBytes: maxAgentBytes,
    signal,
  });
  if (!answer.ok) return answer;
  const { result } = answer.value;
  if (!Array.isArray(result)) return failure('agent_error', result.error.desc ?? 'no reason given');
  return {
    ok: true,
    value: result.map(({ user, domain }) => ({ user, ...(domain !== undefined && { domain }) })),
  };
}
