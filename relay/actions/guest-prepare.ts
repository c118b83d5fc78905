import { ok } from '../../schema/result.ts';
import { installPackages } from '../deploy/apt.ts';
import type { RelayAction } from './action.ts';
import { failedBy, interrupted } from './guest.ts';
import { codeOfReason } from './release-code.ts';
import { seeGuest } from './see-guest.ts';

/** Some programs are asked for their versions, one after the other. */
const lookMs = 120_000;

export const guestPrepare: RelayAction = {
  precheckMs: lookMs,
  async precheck(ctx) {
    const seen = await seeGuest(ctx);
    return seen.ok ? ok(true) : seen;
  },
  async act(ctx) {
    const before = await seeGuest(ctx);
    if (!before.ok) return failedBy(before);
    const { machine, lacks } = before.value;
    if (lacks.length === 0) return { state: 'succeeded', result: { already: true } };
    ctx.progress('waiting');
    const installed = await installPackages(machine, lacks, {
      clock: ctx.ports.clock,
      signal: ctx.signal,
    });
    if (!installed.ok) {
      const { reason, detail = '' } = installed;
      if (reason === 'aborted') return interrupted;
      if (reason === 'no_space') return { state: 'failed', code: 'guest_disk_full', detail };
      const isOpen = reason === 'unreachable' || reason === 'timeout';
      const code = reason.startsWith('apt_') ? reason : codeOfReason(reason as 'unreachable');
      return { state: isOpen ? 'unknown' : 'failed', code, detail };
    }
    const after = await seeGuest(ctx);
    if (!after.ok) return failedBy(after);
    return after.value.lacks.length === 0
      ? { state: 'succeeded', result: { already: false } }
      : { state: 'failed', code: 'apt_failed', detail: `still missing: ${after.value.lacks.join(', ')}` };
  },
  /** What is there is there, whoever installed it; else it may still be on its way. */
  async observe(ctx) {
    const seen = await seeGuest(ctx);
    if (!seen.ok) return failedBy(seen, 'unknown');
    return seen.value.lacks.length === 0 ? { state: 'succeeded', result: { already: false } } : interrupted;
  },
  observeMs: lookMs,
};
