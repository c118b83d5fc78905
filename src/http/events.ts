import { toBytes } from '../../schema/jose/digest.ts';
import { operatorName } from '../../schema/trust/document.ts';
import { nameOfKey } from '../../schema/trust/evaluate.ts';
import type { ControlEvent } from '../control/control.ts';
import type { Principal } from '../domain/principal.ts';
import { defaultLimits, type HttpDeps } from './deps.ts';

/** How long a client waits before it asks again after the stream broke. */
const retryMs = 3_000;

/**
 * What happens, as server-sent events (HTML Living Standard section 9.2). It ends when the caller leaves, when
 * the server closes, and when the caller's token has expired or was revoked since, or trust names its key no more.
 */
export function eventStream(
  deps: HttpDeps,
  options: { after: number | null; principal: Principal; expires: number | null; signal: AbortSignal },
): { stream: ReadableStream<Uint8Array>; ended: AbortSignal } {
  const { control, timers } = deps;
  const keepAliveMs = deps.limits?.keepAliveMs ?? defaultLimits.keepAliveMs;
  const ending = new AbortController();
  const end = (): void => ending.abort();
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  let stopTimer = (): void => {};

  const stillAllowed = async (): Promise<boolean> => {
    if (options.expires !== null && options.expires <= deps.now()) return false;
    const { principal } = options;
    if (principal.kind === 'token') return (await control.tokens.use(principal.id)).ok;
    if (principal.kind !== 'operator' && principal.kind !== 'key') return false;
    const trust = await control.trust.current();
    const name = principal.kind === 'key' ? principal.name : operatorName;
    return trust !== null && nameOfKey(trust, principal.kid) === name;
  };

  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const close = (): void => {
          stopTimer();
          options.signal.removeEventListener('abort', end);
          end();
          try {
            controller.close();
          } catch {
            // Cancelled already: the caller is gone.
          }
        };
        const send = (text: string): void => {
          if (!ending.signal.aborted) controller.enqueue(toBytes(text));
        };
        const keepAlive = (): void => {
          stopTimer = timers.after(keepAliveMs, () => {
            if (ending.signal.aborted) return;
            stillAllowed().then(
              (allowed) => {
                if (!allowed) return close();
                send(': still here\n\n');
                keepAlive();
              },
              () => close(),
            );
          });
        };
        const run = async (): Promise<void> => {
          for await (const event of control.audit.events(options.after, ending.signal)) {
            if (ending.signal.aborted || !(await stillAllowed())) break;
            // A caller that does not read is left behind rather than remembered: it asks again with its last id.
            if ((controller.desiredSize ?? 0) < 0) break;
            send(eventText(event));
          }
        };
        send(`retry: ${retryMs}\n: connected\n\n`);
        keepAlive();
        run().then(close, (fault: unknown) => {
          deps.log.error('events_failed', { name: fault instanceof Error ? fault.name : 'unknown' });
          close();
        });
      },
      cancel() {
        stopTimer();
        options.signal.removeEventListener('abort', end);
        end();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 1024 * 1024 }),
  );
  return { stream, ended: ending.signal };
}

/** JSON holds no line break, so that an event is always one `data` line. */
const eventText = (event: ControlEvent): string =>
  `id: ${event.seq}\nevent: ${event.entry.event}\ndata: ${JSON.stringify(event)}\n\n`;
