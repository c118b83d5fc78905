import type { StoreError, StoreReason } from '../store/port.ts';
import type { HttpDeps } from './deps.ts';
import { redact } from './log.ts';
import type { ProblemCause, ProblemReason } from './problem.ts';

const storeReasons: Record<StoreReason, ProblemReason> = {
  constraint: 'internal',
  busy: 'store_busy',
  in_use: 'store_unavailable',
  full: 'store_full',
  readonly: 'store_readonly',
  timeout: 'store_timeout',
  unavailable: 'store_unavailable',
  corrupt: 'store_unavailable',
};

/** By its name, as src/store/port.ts makes it: routes know stores by their types alone. */
const isStoreError = (error: unknown): error is StoreError =>
  error instanceof Error && error.name === 'StoreError' && 'reason' in error;

/** A store that failed has a code of its own; all else is a bug, told by an id that the log explains. */
export function faultOf(
  deps: Pick<HttpDeps, 'log' | 'newFaultId'>,
  error: unknown,
  route: string,
): ProblemCause {
  if (isStoreError(error) && error.reason !== 'constraint') {
    deps.log.error('store_failed', { route, reason: error.reason, detail: redact(error.detail) });
    const reason = storeReasons[error.reason];
    return reason === 'store_busy' ? { reason, headers: { 'retry-after': '1' } } : { reason };
  }
  const fault = deps.newFaultId();
  const name = error instanceof Error ? error.name : typeof error;
  const message = error instanceof Error ? redact(error.message).slice(0, 300) : '';
  const stack = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const at = stack.filter((line) => /^\s+at /.test(line)).slice(0, 8);
  deps.log.error('fault', { fault, route, name, message, at: at.join(' | ') });
  return { reason: 'internal', detail: `Something failed that should not; the log has it as ${fault}.` };
}
