import { apiCodes } from '#api-codes';
import type { ApiCode } from '../../schema/api/api-codes.ts';
import type { Problem } from '../../schema/api/problem.ts';
import type { AuthReason } from '../auth/reasons.ts';
import type { Reason } from '../domain/errors.ts';
import type { BodyReason } from './body.ts';

/** Every reason for which a request is refused: each has its status in schema/api/api-codes.ts, or this does not compile. */
export type ProblemReason =
  | Reason
  | AuthReason
  | BodyReason
  | 'request_invalid'
  | 'target_malformed'
  | 'url_too_long'
  | 'idempotency_key_invalid'
  | 'route_unknown'
  | 'package_missing'
  | 'method_not_allowed'
  | 'store_busy'
  | 'store_full'
  | 'store_readonly'
  | 'store_timeout'
  | 'store_unavailable'
  | 'internal';

/** A refusal on its way out. */
export type ProblemCause = {
  readonly reason: ProblemReason;
  readonly detail?: string;
  readonly heldBy?: string;
  readonly commandLine?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

const codeOf = (reason: ProblemReason): ApiCode => reason;

/**
 * What a caller asked for is so already: no error to somebody who listens to a sentence, and a shortcut on a
 * phone would stop at one.
 */
const fineInSpeech: ReadonlySet<ProblemReason> = new Set(['host_already_off']);

/** The problem document (RFC 9457) of a refusal. */
export function problemOf(cause: ProblemCause): Problem {
  const code = codeOf(cause.reason);
  const { status, title, meaning } = apiCodes[code];
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    code,
    detail: cause.detail ?? meaning,
    ...(cause.heldBy !== undefined && { held_by: cause.heldBy }),
    ...(cause.commandLine !== undefined && { command_line: cause.commandLine }),
  };
}

/** The answer that tells a refusal: one sentence where the caller wants text, problem+json otherwise. */
export function problemResponse(cause: ProblemCause, asText: boolean): Response {
  const problem = problemOf(cause);
  const headers = new Headers(cause.headers);
  if (problem.status === 401) headers.set('www-authenticate', 'Bearer realm="writ"');
  // Whoever is refused so early does not keep a connection, of which there are not endless ones.
  if (problem.status === 401 || problem.status === 408 || problem.status === 413) {
    headers.set('connection', 'close');
  }
  if (asText) {
    headers.set('content-type', 'text/plain; charset=utf-8');
    const status = fineInSpeech.has(cause.reason) ? 200 : problem.status;
    return new Response(`${problem.detail}\n`, { status, headers });
  }
  headers.set('content-type', 'application/problem+json');
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}
