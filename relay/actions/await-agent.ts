import type { CheckContext } from './action.ts';
import type { Subject } from './guest.ts';

const askEveryMs = 1_000;

/**
 * Waits until the guest's agent answers, until a time (uptime in ms). Null once it did; otherwise the code of
 * what went wrong, while the guest may well run.
 */
export async function awaitAgent(
  ctx: CheckContext,
  { proxmox, ref }: Subject,
  untilMs: number,
): Promise<'agent_silent' | 'agent_not_configured' | 'guest_not_running' | 'interrupted' | null> {
  const { clock } = ctx.ports;
  for (;;) {
    const answer = await proxmox.agentPing(ref, ctx.signal);
    if (answer.ok) return null;
    if (answer.reason === 'agent_not_configured' || answer.reason === 'guest_not_running') {
      return answer.reason;
    }
    if (ctx.signal.aborted) return 'interrupted';
    const leftMs = untilMs - clock.uptimeMs();
    if (leftMs <= 0) return 'agent_silent';
    await clock.sleep(Math.min(askEveryMs, leftMs), ctx.signal);
  }
}
