import { ok, type Result, refuse } from '../../schema/result.ts';
import type { CheckContext, RelayAction } from './action.ts';
import { failedBy, interrupted } from './guest.ts';

const packetEveryMs = 5_000;
/** No host takes longer to wake; a further attempt is another intent. */
const wakeLimitMs = 120_000;

/** Where a host listens for its packet, from trust alone. */
function addressOf({ host, target }: CheckContext): Result<{ mac: string; address: string }, string> {
  if (host?.mac === undefined || host.wake_address === undefined) {
    return refuse('wake_unknown', `the trust document has no mac or wake_address of ${target}`);
  }
  return ok({ mac: host.mac, address: host.wake_address });
}

/**
 * Sends magic packets until the woken host's relay has signed a report after the first of them. The host may
 * have been awake already: then its next report says so just as well.
 */
export const hostWake: RelayAction = {
  async precheck(ctx) {
    const address = addressOf(ctx);
    return address.ok ? ok(true) : address;
  },
  async act(ctx) {
    const to = addressOf(ctx);
    if (!to.ok) return failedBy(to);
    const { clock, wake } = ctx.ports;
    const beganAt = clock.uptimeMs();
    const search = new AbortController();
    const stop = (): void => search.abort();
    ctx.signal.addEventListener('abort', stop);
    if (ctx.signal.aborted) stop();
    let awake = false;
    const seen = ctx.ports.evidenceOf(ctx.target, clock.now(), search.signal).then((report) => {
      awake = report !== null;
      // Ends the pause between two packets.
      search.abort();
    });
    let packets = 0;
    let fault = '';
    ctx.progress('waiting');
    while (!search.signal.aborted) {
      const sent = await wake.send(to.value.mac, to.value.address);
      if (sent.ok) packets += 1;
      else fault = sent.detail;
      const leftMs = wakeLimitMs - (clock.uptimeMs() - beganAt);
      if (leftMs <= 0) break;
      await clock.sleep(Math.min(packetEveryMs, leftMs), search.signal);
    }
    search.abort();
    await seen;
    ctx.signal.removeEventListener('abort', stop);
    if (awake) {
      return { state: 'succeeded', result: { packets, took_ms: Math.round(clock.uptimeMs() - beganAt) } };
    }
    if (ctx.signal.aborted) return interrupted;
    return packets === 0
      ? { state: 'failed', code: 'wake_not_sent', detail: fault }
      : { state: 'failed', code: 'host_did_not_wake' };
  },
  /** Waits for what is left of the host's time. How many packets were sent nobody has noted: 0 stands for that. */
  async observe(ctx) {
    const { clock } = ctx.ports;
    const passedMs = Math.min(Math.max(0, clock.now() - ctx.startedAt), wakeLimitMs);
    const search = new AbortController();
    const stop = (): void => search.abort();
    ctx.signal.addEventListener('abort', stop);
    if (ctx.signal.aborted) stop();
    void clock.sleep(wakeLimitMs - passedMs, search.signal).then(stop);
    const report = await ctx.ports.evidenceOf(ctx.target, ctx.startedAt, search.signal);
    stop();
    ctx.signal.removeEventListener('abort', stop);
    if (report === null) return interrupted;
    return { state: 'succeeded', result: { packets: 0, took_ms: Math.max(0, report.time - ctx.startedAt) } };
  },
};
