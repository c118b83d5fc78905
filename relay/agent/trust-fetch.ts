import { parsePayload } from '../../schema/jose/jws.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { maxTrustChainBytes, trustWarningMs } from '../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema } from '../../schema/wire/relay-api.ts';
import { createHttpsClient } from '../drivers/https-client.ts';
import type { Log } from '../log.ts';
import type { Alarm } from './alarm.ts';
import { createDoorbell } from './doorbell.ts';
import type { Link } from './link.ts';
import type { TrustStore } from './trust-store.ts';

/** Where newer trust comes from. The mirror is not behind the controller, so that it cannot withhold a revocation. */
export type TrustSource = 'controller' | 'mirror';

export type TrustFetch = {
  /** Asks one source, and puts into force what holds. Whether anything changed. Never rejects. */
  fetchFrom(source: TrustSource, signal: AbortSignal): Promise<boolean>;
  /** The controller spoke of a newer version: it is asked for at once, or shortly when it was asked just now. */
  wanted(version: number): void;
  /**
   * The controller is not heard: its successor may be named where it cannot stand in the way, so the mirror is asked,
   * at most every few minutes.
   */
  unheard(): void;
  /** Asks both at the start and then every hour, until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Resolves once both have answered since `run` began, or have had ten seconds. Jobs wait for this: a host that
   * slept through a revocation must not act under what it knew before. Never rejects.
   */
  readonly first: Promise<void>;
  close(): void;
};

export type TrustFetchDeps = {
  readonly trust: TrustStore;
  readonly link: Link;
  readonly clock: {
    now(): number;
    uptimeMs(): number;
    sleep(ms: number, signal?: AbortSignal): Promise<unknown>;
  };
  random(): number;
  readonly log: Log;
  readonly alarm: Alarm;
  readonly intervalMs?: number;
  /** However often the controller speaks of newer versions, it is asked no more often than this. */
  readonly wantedPauseMs?: number;
  /** While the controller is not heard, the mirror is asked no more often than this. */
  readonly unheardPauseMs?: number;
};

/** How long jobs wait for the first answers. */
const firstMs = 10_000;
/** A host that has just booted may have its network in a moment. */
const firstAgainMs = 1_000;

const hourMs = 60 * 60_000;
const timeoutMs = 60_000;

export function createTrustFetch(deps: TrustFetchDeps): TrustFetch {
  const { trust, link, clock, log, alarm } = deps;
  const intervalMs = deps.intervalMs ?? hourMs;
  const wantedPauseMs = deps.wantedPauseMs ?? 10_000;
  const unheardPauseMs = deps.unheardPauseMs ?? 5 * 60_000;
  // The system's certificate authorities; plain HTTP on loopback alone, as trust's schema has it.
  const mirrorClient = createHttpsClient({ allowHttp: true, maxSockets: 1 });
  const refusedBy = new Set<TrustSource>();
  const bell = createDoorbell(clock);
  const mirrorBell = createDoorbell(clock);
  let mirrorAskedAt = Number.POSITIVE_INFINITY;
  let wantedVersion = 0;
  let askedAt = Number.NEGATIVE_INFINITY;

  const noteRefusal = (source: TrustSource, why: string | null): void => {
    if (why !== null) {
      refusedBy.add(source);
      const version = trust.current().document.version;
      alarm.raise(
        'trust_refused',
        `A newer trust document from the ${source} was refused (${why}). Version ${version} stays in force.`,
      );
    } else if (refusedBy.delete(source) && refusedBy.size === 0) {
      alarm.clear('trust_refused', 'The trust documents that are offered hold again.');
    }
  };

  const install = async (source: TrustSource, versions: readonly TrustJws[]): Promise<boolean> => {
    const { changed, refusal } = await trust.install(versions);
    noteRefusal(source, refusal === null ? null : refusal.reason);
    return changed;
  };

  const fromController = async (signal: AbortSignal): Promise<boolean> => {
    askedAt = clock.uptimeMs();
    const answer = await link.call({
      method: 'GET',
      path: `/v1/trust?after=${trust.current().document.version}`,
      schema: trustChainSchema,
      maxBytes: maxTrustChainBytes,
      timeoutMs,
      signal,
    });
    if (answer.ok) return install('controller', answer.value.versions);
    if (answer.reason !== 'aborted') log.warn('trust_fetch_failed', { source: 'controller', ...why(answer) });
    return false;
  };

  /** Null when the mirror could not be reached. */
  const fromMirror = async (signal: AbortSignal): Promise<boolean | null> => {
    const url = trust.current().document.mirror;
    if (url === null) return false;
    const maxBytes = maxTrustChainBytes;
    const answer = await mirrorClient.request({ method: 'GET', url, timeoutMs, maxBytes, signal });
    if (!answer.ok) {
      if (answer.reason !== 'aborted')
        log.warn('trust_fetch_failed', { source: 'mirror', reason: answer.reason });
      return null;
    }
    if (answer.status !== 200) {
      log.warn('trust_fetch_failed', { source: 'mirror', reason: `http_${answer.status}` });
      return false;
    }
    const chain = parsePayload(answer.body, trustChainSchema, maxBytes);
    if (!chain.ok) {
      noteRefusal('mirror', 'trust_malformed');
      return false;
    }
    return install('mirror', chain.value.versions);
  };

  const fetchFrom: TrustFetch['fetchFrom'] = async (source, signal) =>
    (await (source === 'controller' ? fromController(signal) : fromMirror(signal))) === true;

  const warnOfExpiry = (current: Trust): void => {
    const leftMs = Date.parse(current.document.expires) - clock.now();
    if (leftMs <= 0) log.error('trust_expired', { expires: current.document.expires });
    else if (leftMs < trustWarningMs) {
      log.warn('trust_expires_soon', {
        expires: current.document.expires,
        days: Math.floor(leftMs / 86_400_000),
      });
    }
  };

  /** Whether the controller spoke of a version that this relay has not. */
  const lags = (): boolean => wantedVersion > trust.current().document.version;

  /** Up to a tenth more, so that relays do not ask in step. */
  const nextAt = (): number => clock.uptimeMs() + intervalMs * (1 + deps.random() / 10);

  const askMirror = async (signal: AbortSignal, answered: () => void): Promise<void> => {
    const patientUntilMs = clock.uptimeMs() + firstMs;
    while (!signal.aborted) {
      const reached = (await fromMirror(signal)) !== null;
      if (reached) answered();
      const isFirst = !reached && clock.uptimeMs() < patientUntilMs;
      mirrorAskedAt = clock.uptimeMs();
      await mirrorBell.wait(isFirst ? firstAgainMs : nextAt() - clock.uptimeMs(), signal);
    }
  };

  const askController = async (signal: AbortSignal, answered: () => void): Promise<void> => {
    while (!signal.aborted) {
      await fromController(signal);
      answered();
      warnOfExpiry(trust.current());
      const untilMs = nextAt();
      while (!signal.aborted && clock.uptimeMs() < untilMs) {
        if (lags()) {
          await clock.sleep(Math.max(0, askedAt + wantedPauseMs - clock.uptimeMs()), signal);
          if (signal.aborted) return;
          if (await fromController(signal)) continue;
          // It speaks of what it does not give: not worth more than an attempt now and then.
          if (lags()) wantedVersion = 0;
        }
        await bell.wait(Math.max(0, untilMs - clock.uptimeMs()), signal);
      }
    }
  };

  let settleFirst: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    settleFirst = resolve;
  });

  return {
    first,
    fetchFrom,
    wanted(version) {
      wantedVersion = version;
      if (lags()) bell.ring();
    },
    unheard() {
      if (clock.uptimeMs() - mirrorAskedAt >= unheardPauseMs) mirrorBell.ring();
    },
    // Apart from each other, so that a source that hangs does not hold up the other.
    async run(signal) {
      const done = new AbortController();
      const stop = (): void => done.abort();
      signal.addEventListener('abort', stop);
      void clock.sleep(firstMs, done.signal).then(settleFirst);
      const waitingFor = new Set<TrustSource>(['mirror', 'controller']);
      const answered = (source: TrustSource) => (): void => {
        if (waitingFor.delete(source) && waitingFor.size === 0) done.abort();
      };
      await Promise.all([
        askMirror(signal, answered('mirror')),
        askController(signal, answered('controller')),
      ]);
      signal.removeEventListener('abort', stop);
      done.abort();
    },
    close: () => mirrorClient.close(),
  };
}

const why = (failure: { reason: string; code?: string; detail: string }) => ({
  reason: failure.code ?? failure.reason,
  detail: failure.detail,
});
