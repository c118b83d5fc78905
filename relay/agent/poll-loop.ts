import { maxPollAnswerBytes } from '../../schema/wire/limits.ts';
import { type PollAnswer, type PollRequest, pollAnswerSchema } from '../../schema/wire/relay-api.ts';
import { protocolVersion } from '../../schema/wire/version.ts';
import type { Log } from '../log.ts';
import type { Alarm } from './alarm.ts';
import { createBackoff } from './backoff.ts';
import type { Evidence } from './evidence.ts';
import type { Executor } from './executor-contract.ts';
import { type HeartbeatWatch, verifyHeartbeat } from './heartbeat.ts';
import type { Link } from './link.ts';
import type { Notary } from './notary.ts';
import type { ReceiptPost } from './receipt-post.ts';
import type { Reporter } from './report.ts';
import type { TrustFetch } from './trust-fetch.ts';
import type { TrustStore } from './trust-store.ts';

export type PollLoopDeps = {
  readonly relay: string;
  /** The nonce of this run. */
  readonly session: string;
  readonly trust: TrustStore;
  readonly link: Link;
  readonly executor: Executor;
  readonly evidence: Evidence;
  readonly receipts: ReceiptPost;
  readonly reporter: Reporter;
  readonly trustFetch: TrustFetch;
  readonly watch: HeartbeatWatch;
  readonly alarm: Alarm;
  readonly notary: Notary;
  readonly clock: {
    now(): number;
    uptimeMs(): number;
    sleep(ms: number, signal?: AbortSignal): Promise<unknown>;
  };
  random(): number;
  readonly log: Log;
  /** How long the API may park a poll. */
  readonly waitMs: number;
};

/** Beyond the time that the API may park: the way, the proof, a slow store. */
const answerMarginMs = 20_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
/**
 * More idle answers than this in a window, and the loop slows down: an API that always answers at once must not be
 * able to heat the host. What brings a step to be done is bounded by the grants of trust.
 */
const pollsPerWindow = 60;
const windowMs = 10_000;
/** How long the next poll waits for this one's jobs to be looked at, so that it tells their numbers. */
const intakeMs = 100;
/** Why a signal ends a pause. Without a reason each would be given an error, with a trace that nobody reads. */
const over = 'over';

/** Polls the API until the signal is aborted. Never rejects. */
export async function runPollLoop(deps: PollLoopDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, executor, trust, session, relay } = deps;
  const backoff = createBackoff({ firstMs: firstPauseMs, capMs: longestPauseMs, random: deps.random });
  let poll = 0;
  /** The first poll of a run, and the first after a failure, tells at once whether there is a path. */
  let waitMs = 0;
  let fault = '';
  let failures = 0;
  let recent: number[] = [];

  const failed = async (event: string, code: string, detail: string): Promise<void> => {
    failures += 1;
    // Through hours of outage only what is new is worth a line.
    if (code !== fault) log.warn(event, { code, detail });
    fault = code;
    waitMs = 0;
    deps.trustFetch.unheard();
    await clock.sleep(backoff.next(), signal);
  };

  const takeJobs = async (jobs: readonly string[]): Promise<void> => {
    if (jobs.length === 0) return;
    const offers = jobs.map(async (job) => {
      const outcome = await executor.offer(job);
      if (outcome.kind === 'consumed') deps.receipts.again(outcome.receipts);
      if (outcome.kind === 'started') recent.pop();
    });
    const looked = new AbortController();
    await Promise.race([Promise.all(offers), clock.sleep(intakeMs, looked.signal)]);
    looked.abort(over);
    // What has begun goes on first: somebody waits for it, and nobody for the next poll.
    await new Promise(setImmediate);
  };

  const take = async (answer: PollAnswer): Promise<void> => {
    if (answer.last_receipt !== null) {
      if ((await executor.noteLastReceipt(answer.last_receipt)) === 'state_restored') {
        deps.alarm.raise(
          'state_restored',
          `The state of ${relay} was restored from an old copy, or two machines use its key. It runs nothing until it is enrolled again.`,
        );
      }
    }
    executor.confirmReceipts(answer.receipts_seq);
    if (executor.unconfirmedReceipts().length > 0) deps.receipts.ring('soon');
    deps.trustFetch.wanted(answer.trust_version);
    for (const report of answer.evidence) await deps.evidence.take(report);
    if (answer.attest !== undefined) void deps.notary.attest(answer.attest).catch(() => {});
    await takeJobs(answer.jobs);
    if (answer.report_wanted) deps.reporter.wanted();
    if (!executor.full()) deps.alarm.clear('receipts_unconfirmed', `${relay} begins steps again.`);
    else
      deps.alarm.raise(
        'receipts_unconfirmed',
        `The control plane does not confirm what ${relay} has done, so ${relay} begins nothing more.`,
      );
    if (executor.writable()) deps.alarm.clear('journal_unwritable', `${relay} can write its journal again.`);
    else
      deps.alarm.raise(
        'journal_unwritable',
        `${relay} cannot write its journal, and runs nothing until it can.`,
      );
  };

  while (!signal.aborted) {
    recent = recent.filter((at) => clock.uptimeMs() - at < windowMs);
    if (recent.length >= pollsPerWindow) await clock.sleep(1_000 + 1_000 * deps.random(), signal);
    recent.push(clock.uptimeMs());

    const request = (): PollRequest => {
      poll += 1;
      const { seq, hash } = executor.head();
      return {
        protocol: protocolVersion,
        session,
        poll,
        seen: executor.seen(),
        trust_version: trust.current().document.version,
        receipts: { seq, hash },
        wait_ms: waitMs,
      };
    };
    const answer = await deps.link.call({
      method: 'POST',
      path: '/v1/relay/poll',
      body: request,
      schema: pollAnswerSchema,
      maxBytes: maxPollAnswerBytes,
      timeoutMs: waitMs + answerMarginMs,
      signal,
    });
    if (signal.aborted) return;
    if (!answer.ok) {
      await failed('poll_failed', answer.reason === 'refused' ? answer.code : answer.reason, answer.detail);
      continue;
    }
    const heartbeat = await verifyHeartbeat(trust.current(), answer.value.heartbeat, {
      relay,
      session,
      poll,
      now: clock.now(),
    });
    if (!heartbeat.ok) {
      // It may be signed with a key that only a newer trust document names.
      deps.trustFetch.wanted(answer.value.trust_version);
      await failed('heartbeat_refused', heartbeat.reason, heartbeat.detail ?? '');
      continue;
    }
    deps.watch.beat();
    if ((await executor.noteHeartbeat(heartbeat.value.audit)) === 'audit_forked') {
      deps.alarm.raise(
        'audit_forked',
        `The control plane's audit log, as ${relay} was shown it, went back or has two pasts.`,
      );
    }
    if (failures > 0) log.info('poll_recovered', { failures });
    else if (poll === 1) log.info('connected', { trust_version: trust.current().document.version });
    failures = 0;
    fault = '';
    backoff.reset();
    waitMs = deps.waitMs;
    await take(answer.value);
  }
}
