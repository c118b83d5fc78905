import * as v from 'valibot';
import type { DriverClock } from './clock.ts';
import { failure, failureOfTask, type ProxmoxFailure, type ProxmoxResult } from './proxmox-errors.ts';
import type { ProxmoxHttp } from './proxmox-http.ts';
import { taskStatusShape } from './proxmox-shapes.ts';

/** A task that ended well. */
export type EndedTask = {
  readonly upid: string;
  /** `qmstart`, `vzshutdown`, …; `hastart` and `hastop` only mean that the HA manager took the order. */
  readonly type: string;
  /** How many warnings the task's log has. */
  readonly warnings: number;
};

export type TaskTiming = {
  /** Total time for the task, from the call on. */
  readonly deadlineMs: number;
  /** Gives up waiting; the task itself goes on. */
  readonly signal?: AbortSignal | undefined;
};

export type TaskRunner = (
  order: { readonly path: string; readonly params?: Readonly<Record<string, string | number>> },
  timing: TaskTiming,
) => Promise<ProxmoxResult<EndedTask>>;

// UPID:node:pid:pstart:starttime:type:id:user:, as PVE::UPID has it.
const upidPattern =
  /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:([^:\s/]{1,64}):([^:\s/]{0,64}):[^:\s/]{1,128}:$/;
const upidShape = v.pipe(v.string(), v.maxLength(400), v.regex(upidPattern));

// A daemon that restarts, or a node under load, misses some polls; the task goes on all the same.
const missedPollsAllowed = 5;
const passing: ReadonlySet<ProxmoxFailure['reason']> = new Set(['unreachable', 'timeout', 'proxy_error']);

/**
 * Gives an order that Proxmox VE runs as a task, and waits for the task's end. A failure with a `upid` lost sight
 * of the task, which may be running still.
 */
export function createTaskRunner(deps: {
  readonly http: ProxmoxHttp;
  readonly node: string;
  readonly clock: DriverClock;
  readonly pollMs: number;
}): TaskRunner {
  const { http, node, clock, pollMs } = deps;

  return async (order, { deadlineMs, signal }) => {
    const endsAt = clock.monotonicMs() + deadlineMs;
    const started = await http({ ...order, method: 'POST', shape: upidShape, signal });
    if (!started.ok) return started;
    const upid = started.value;
    const [, upidNode, type = ''] = upidPattern.exec(upid) ?? [];
    if (upidNode !== node) return failure('bad_answer', 'the task is on another node');

    let missed = 0;
    for (;;) {
      const aborted = signal?.aborted ?? false;
      if (aborted) return { ok: false, reason: 'aborted', sent: true, upid, detail: 'no longer waited for' };
      const leftMs = endsAt - clock.monotonicMs();
      if (leftMs <= 0) {
        const detail = `the task did not end within ${deadlineMs} ms`;
        return { ok: false, reason: 'timeout', sent: true, upid, detail };
      }
      const polled = await http({
        method: 'GET',
        path: `/nodes/${node}/tasks/${encodeURIComponent(upid)}/status`,
        shape: taskStatusShape,
        timeoutMs: Math.max(1, Math.min(10_000, Math.ceil(leftMs))),
        signal,
      });
      if (polled.ok) {
        missed = 0;
        if (polled.value.status === 'stopped') return ended(upid, type, polled.value.exitstatus);
      } else if (polled.reason !== 'aborted') {
        missed += 1;
        if (!passing.has(polled.reason) || missed > missedPollsAllowed) return { ...polled, upid };
      }
      await clock.sleep(Math.min(pollMs, Math.max(0, endsAt - clock.monotonicMs())), signal);
    }
  };
}

function ended(upid: string, type: string, exitstatus: string | undefined): ProxmoxResult<EndedTask> {
  if (exitstatus === undefined) {
    return { ...failure('bad_answer', 'the task stopped without an exit status'), upid };
  }
  if (exitstatus === 'OK') return { ok: true, value: { upid, type, warnings: 0 } };
  const warnings = /^WARNINGS: (\d{1,9})$/.exec(exitstatus)?.[1];
  if (warnings !== undefined) return { ok: true, value: { upid, type, warnings: Number(warnings) } };
  return failureOfTask(exitstatus);
}
