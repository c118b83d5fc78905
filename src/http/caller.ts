import { type Authenticated, authenticate } from '../auth/authenticate.ts';
import { memoryNonces } from '../auth/nonces.ts';
import type { ProvedRequest } from '../auth/proof.ts';
import type { AuthRefused } from '../auth/reasons.ts';
import { memoryTokens } from '../auth/verified-tokens.ts';
import { type Principal, principalKey } from '../domain/principal.ts';
import { buckets, gate } from '../domain/rate.ts';
import { defaultLimits, type HttpDeps } from './deps.ts';
import type { ProblemCause } from './problem.ts';

/** How many callers and addresses are remembered at most; forgetting one only forgives it. */
const maxKeys = 10_000;

const maxKeyedOpen = 8;
const replayNotes = { burst: 20, everyMs: 60_000, maxKeys: 1 };

export type Callers = {
  identify(header: string | null, request: ProvedRequest): Promise<Authenticated | AuthRefused>;
  /** Slows a caller by its own credentials; `leave` when its request ends. */
  admit(principal: Principal): { ok: true; leave: () => void } | { ok: false; cause: ProblemCause };
  /**
   * Counts a failure of an address, and says whether they are too many. It never keeps anybody out: valid
   * credentials are verified first and pass, so that a stranger behind the same proxy cannot lock the owner out.
   */
  countFailure(source: string): { tooMany: boolean; retryMs: number };
  /** Whether one more repeated proof is to be written down: a key that is in wrong hands can repeat its own for ever. */
  notesReplay(): boolean;
};

export function createCallers(deps: HttpDeps): Callers {
  const limits = { ...defaultLimits, ...deps.limits };
  const nonces = memoryNonces();
  const verified = memoryTokens();
  const ofTokens = buckets({ burst: limits.tokenBurst, everyMs: limits.tokenEveryMs, maxKeys });
  const ofOwn = buckets({ burst: limits.ownBurst, everyMs: limits.ownEveryMs, maxKeys });
  const failures = buckets({ burst: limits.failureBurst, everyMs: limits.failureEveryMs, maxKeys });
  const replays = buckets(replayNotes);
  const openTokens = gate(limits.openAtOnce);
  const openOwn = gate(limits.openAtOnce * maxKeyedOpen);

  const limited = (retryMs: number): { ok: false; cause: ProblemCause } => {
    const seconds = Math.max(1, Math.ceil(retryMs / 1000));
    return {
      ok: false,
      cause: {
        reason: 'rate_limited',
        detail: `Too many requests; try again in ${seconds} s.`,
        headers: { 'retry-after': String(seconds) },
      },
    };
  };

  return {
    identify: (header, request) =>
      authenticate({ control: deps.control, nonces, verified, now: () => deps.now() }, header, request),
    admit: (principal) => {
      const key = principalKey(principal);
      const isToken = principal.kind === 'token';
      const retryMs = (isToken ? ofTokens : ofOwn).take(key, deps.now());
      if (retryMs > 0) return limited(retryMs);
      const leave = (isToken ? openTokens : openOwn).enter(key);
      return leave === null ? limited(1_000) : { ok: true, leave };
    },
    countFailure: (source) => {
      const retryMs = failures.take(networkOf(source), deps.now());
      return { tooMany: retryMs > 0, retryMs };
    },
    notesReplay: () => replays.take('', deps.now()) === 0,
  };
}

/** An IPv6 host has a whole /64 of addresses. */
function networkOf(source: string): string {
  if (!source.includes(':') || source.startsWith('::ffff:')) return source;
  return source.split(':').slice(0, 4).join(':');
}

export const tooManyFailures = (retryMs: number): ProblemCause => ({
  reason: 'too_many_failures',
  detail: 'Too many requests from there failed to authenticate.',
  headers: { 'retry-after': String(Math.max(1, Math.ceil(retryMs / 1000))) },
});
