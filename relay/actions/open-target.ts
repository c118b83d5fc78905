import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckContext } from './action.ts';
import { inspect, isPaused, isStopped } from './guest.ts';
import { codeOf } from './proxmox-code.ts';

/**
 * The machine whose files a release changes: a guest that is the adopted one, runs, and whose agent answers. What is
 * done as root on the host itself, its own files and those of its containers, this program may not do.
 */
export async function openTarget(ctx: CheckContext): Promise<Result<Machine, string>> {
  const { guest, target, ports } = ctx;
  if (guest === null || guest.kind !== 'qemu') {
    return refuse('act_helper_needed', `${target} is ${guest === null ? 'a host' : 'a container'}`);
  }
  const sight = await inspect(ctx);
  if (!sight.ok) return sight;
  const { proxmox, ref, status } = sight.value;
  if (isStopped(status)) return refuse('guest_not_running', `${target} is off`);
  if (isPaused(status)) return refuse('guest_paused', `${target} is suspended`);
  if (!guest.agent) return refuse('agent_not_configured', `the house says that ${target} has no agent`);
  const answer = await proxmox.agentPing(ref, ctx.signal);
  if (!answer.ok) return refuse(codeOf(answer), answer.detail);
  return ok(ports.machineOf(target, ref, proxmox));
}
