import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Machine } from '../machine/machine.ts';
import type { CheckContext } from './action.ts';
import { inspect, isPaused, isStopped } from './guest.ts';
import { codeOf } from './proxmox-code.ts';

/** The virtual machine whose files a release changes: the adopted one, which runs, and whose agent answers. */
export async function openTarget(ctx: CheckContext): Promise<Result<Machine, string>> {
  const { guest, target, ports } = ctx;
  if (guest?.kind !== 'qemu') throw new Error(`${target} is no virtual machine`);
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
