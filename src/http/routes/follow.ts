import type { CommandView } from '../../../schema/api/orders.ts';
import type { Accepted } from '../../control/control.ts';
import { isOpen } from '../../domain/command.ts';
import type { HttpDeps } from '../deps.ts';
import type { Reply } from '../route.ts';

/**
 * The answer to an accepted order: the command at once with 202, or its outcome with 200 if that comes within
 * `waitS` seconds.
 */
export async function followCommand(
  deps: HttpDeps,
  accepted: Accepted,
  options: { waitS: number | undefined; signal: AbortSignal },
): Promise<Reply> {
  const { command, replayed } = accepted;
  const waitMs = (options.waitS ?? 0) * 1000;
  const latest =
    !hasEnded(command) && waitMs > 0
      ? await deps.control.orders.wait(command.id, waitMs, options.signal)
      : command;
  const view = latest ?? command;
  return {
    kind: 'json',
    status: hasEnded(view) ? 200 : 202,
    body: view,
    sentence: view.sentence,
    headers: {
      location: `/v1/commands/${view.id}`,
      ...(replayed && { 'idempotency-replayed': 'true' }),
    },
  };
}

/** For those who wait: `unconfirmed` has ended, though a later receipt may tell more. */
export const hasEnded = (command: CommandView): boolean => !isOpen(command);
