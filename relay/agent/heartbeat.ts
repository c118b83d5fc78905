import { type JwsRefusal, verifyJws } from '../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { controllerName } from '../../schema/trust/document.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { type Heartbeat, heartbeatSchema } from '../../schema/wire/heartbeat.ts';
import { clockSkewMs, maxHeartbeatBytes } from '../../schema/wire/limits.ts';
import type { Alarm } from './alarm.ts';

export type HeartbeatRefusal =
  | JwsRefusal
  | 'heartbeat_home'
  | 'heartbeat_relay'
  | 'heartbeat_session'
  | 'heartbeat_poll'
  | 'heartbeat_time';

/** Whether this is the controller's word on this very poll: what was recorded before never is. */
export async function verifyHeartbeat(
  trust: Trust,
  jws: string,
  expected: {
    readonly relay: string;
    readonly session: string;
    readonly poll: number;
    readonly now: number;
  },
): Promise<Result<Heartbeat, HeartbeatRefusal>> {
  const verified = await verifyJws('heartbeat', jws, {
    maxBytes: maxHeartbeatBytes,
    findKey: keyOf(trust, 'key', controllerName),
    schema: heartbeatSchema,
  });
  if (!verified.ok) return verified;
  const heartbeat = verified.value.payload;
  if (heartbeat.home !== trust.document.home) return refuse('heartbeat_home');
  if (heartbeat.relay !== expected.relay) return refuse('heartbeat_relay');
  if (heartbeat.session !== expected.session) return refuse('heartbeat_session');
  if (heartbeat.poll !== expected.poll) return refuse('heartbeat_poll');
  if (Math.abs(heartbeat.time - expected.now) > clockSkewMs) {
    return refuse('heartbeat_time', `${heartbeat.time - expected.now} ms from this clock`);
  }
  return ok(heartbeat);
}

/** Alarms the owner when the controller has not been heard of for too long. */
export type HeartbeatWatch = {
  /** A heartbeat verified. */
  beat(): void;
  run(signal: AbortSignal): Promise<void>;
};

export function createHeartbeatWatch(deps: {
  readonly relay: string;
  readonly clock: { uptimeMs(): number; sleep(ms: number, signal?: AbortSignal): Promise<unknown> };
  readonly alarm: Alarm;
  readonly limitMs: number;
}): HeartbeatWatch {
  const { clock, alarm, limitMs, relay } = deps;
  let lastAt = clock.uptimeMs();
  const minutes = (ms: number): number => Math.round(ms / 60_000);
  return {
    beat() {
      const silentMs = clock.uptimeMs() - lastAt;
      lastAt = clock.uptimeMs();
      alarm.clear('no_heartbeat', `${relay} hears from the control plane again (${minutes(silentMs)} min).`);
    },
    async run(signal) {
      // A relay may have waited for its admission for hours, in which nothing could be heard.
      lastAt = clock.uptimeMs();
      while (!signal.aborted) {
        const leftMs = lastAt + limitMs - clock.uptimeMs();
        if (leftMs <= 0) {
          alarm.raise(
            'no_heartbeat',
            `${relay} has heard nothing that verifies from the control plane for ${minutes(limitMs - leftMs)} min.`,
          );
        }
        // While it lasts, the alarm itself decides when to repeat.
        await clock.sleep(leftMs > 0 ? leftMs : limitMs, signal);
      }
    },
  };
}
