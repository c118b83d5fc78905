import type { Log, LogFields } from '../log.ts';
import type { Clock } from './clock.ts';

/** So many of a kind in a minute are told one by one. */
const toldAtOnce = 5;
const windowMs = 60_000;

type Level = 'warn' | 'error';

/**
 * A log in which what repeats takes little room: of one event with one code the first few are told at once, and
 * from then on one line a minute says how many more there were, as `repeated`, until a minute passes without any.
 * What `info` tells is passed on as it is. When the signal is aborted, what was counted so far is told.
 */
export function createQuietLog(log: Log, clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Log {
  const kinds = new Map<string, { told: number; more: number }>();

  const sumUp = async (level: Level, event: string, code: string, key: string): Promise<void> => {
    const kind = { told: 1, more: 0 };
    kinds.set(key, kind);
    for (;;) {
      await clock.sleep(windowMs, signal);
      const { more } = kind;
      kind.more = 0;
      if (more > 0) log[level](event, { code, repeated: more });
      if (more === 0 || signal.aborted) break;
    }
    kinds.delete(key);
  };

  const at =
    (level: Level) =>
    (event: string, fields: LogFields = {}): void => {
      const code = String(fields.code ?? '');
      const key = `${level} ${event} ${code}`;
      const kind = kinds.get(key);
      if (kind !== undefined && kind.told >= toldAtOnce) {
        kind.more += 1;
        return;
      }
      log[level](event, fields);
      if (kind !== undefined) kind.told += 1;
      else if (!signal.aborted) void sumUp(level, event, code, key);
    };

  return { info: (event, fields) => log.info(event, fields), warn: at('warn'), error: at('error') };
}
