import type { Lock } from '../../schema/actions/action.ts';
import { ok } from '../../schema/result.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Job } from '../../schema/wire/job.ts';
import type { Progress } from '../../schema/wire/report.ts';
import type { Executor, ExecutorDeps, OfferOutcome } from './executor-contract.ts';
import { anyConflict, locksOfStep } from './held-locks.ts';
import type { StepEntry } from './journal-format.ts';
import { isOpen, stepKey } from './journal-state.ts';
import { createJudging } from './judging.ts';
import { createOutbox } from './outbox.ts';
import { createQuietLog } from './quiet-log.ts';
import { standAlone } from './standing.ts';
import { createStepBook } from './step-book.ts';
import { createStepRunner } from './step-runner.ts';
import { createTurns } from './turns.ts';
import type { Order, Verdict } from './verify-job.ts';

/** A step's hold on its locks, from before it is looked at to its final receipt. */
type Held = { locks: readonly Lock[]; progress: Progress | null; goingDown: boolean };
type Waiting = {
  readonly key: string;
  readonly text: string;
  readonly job: Job;
  readonly locks: readonly Lock[];
};

const maxWaiting = 32;
const retryWriteMs = 5_000;

export function createExecutor(deps: ExecutorDeps): Executor {
  const { state, clock, judge } = deps;
  const { journal, trust, relay } = state;
  const stop = new AbortController();
  const log = createQuietLog(deps.log, clock, stop.signal);
  const held = new Map<string, Held>();
  let waiting: readonly Waiting[] = [];
  const idlers: (() => void)[] = [];
  const receiptListeners: Parameters<Executor['onReceipt']>[0][] = [];
  const progressListeners: (() => void)[] = [];
  const endListeners: Parameters<Executor['onEnd']>[0][] = [];
  const inIntake = createTurns();
  let seen = 0;
  let refused: { count: number; code: string | null } = { count: 0, code: null };

  const { restored, ...outbox } = createOutbox(deps);
  const book = createStepBook({
    state,
    clock,
    full: outbox.full,
    onReceipt: ({ seq, jws }, isFinal) => {
      for (const listener of receiptListeners) listener({ seq, jws }, isFinal);
    },
  });

  const tellProgress = (): void => {
    for (const listener of progressListeners) listener();
  };

  const runner = createStepRunner({
    ...deps,
    book,
    stop: stop.signal,
    onPhase: (id, phase) => {
      const hold = held.get(id);
      if (hold === undefined || hold.progress === null) return;
      hold.progress = { ...hold.progress, phase };
      tellProgress();
    },
  });

  const { context, judgeNow } = createJudging({ ...deps, restored });

  const drop = (code: string, detail?: string): OfferOutcome => {
    refused = { count: refused.count + 1, code };
    log.warn('job_dropped', { code, detail: detail ?? null });
    return { kind: 'dropped', code };
  };

  const faulty = (error: unknown): OfferOutcome => {
    log.error('relay_fault', { where: 'offer', fault: String(error).slice(0, 200) });
    return drop('relay_fault');
  };

  const tellIdle = (): void => {
    const busy = waiting.length > 0 || [...held.values()].some((hold) => !hold.goingDown);
    if (!busy) for (const tell of idlers.splice(0)) tell();
  };

  const release = (id: string): void => {
    held.delete(id);
    tellProgress();
    wakeWaiting();
    tellIdle();
  };

  /** Steps that wait get their turn in order; none overtakes another that it conflicts with. */
  const wakeWaiting = (): void => {
    if (stop.signal.aborted) return;
    const ahead: Lock[] = [...held.values()].flatMap((hold) => hold.locks);
    const kept: Waiting[] = [];
    const next: Waiting[] = [];
    for (const entry of waiting) {
      (anyConflict(entry.locks, ahead) ? kept : next).push(entry);
      ahead.push(...entry.locks);
    }
    waiting = kept;
    for (const { key: id, locks } of next) held.set(id, { locks, progress: null, goingDown: false });
    for (const { key: id, text, job } of next) void consider(text, job, null, id);
  };

  /**
   * Judges a job, and begins its step when it may begin now.
   *
   * @param heard as `judgeNow` takes it
   * @param claim the step's key, when locks are held for it already
   */
  const consider = async (
    text: string,
    job: Job,
    heard: Trust | null,
    claim: string | null,
  ): Promise<OfferOutcome> => {
    let claimed = claim;
    try {
      for (;;) {
        if (!journal.writable() && !(await journal.append([])).ok) return drop('journal_unwritable');
        const verdict = await judgeNow(text, job, heard);
        if (verdict.kind !== 'allowed') return await settle(verdict);
        const blocked = takeLocks(text, verdict.order, claimed);
        if (blocked !== null) return blocked;
        claimed = verdict.order.key;
        const begun = await begin(verdict.order);
        if (begun === 'trust_changed') continue;
        if (begun.kind === 'started') claimed = null;
        return begun;
      }
    } catch (error) {
      return faulty(error);
    } finally {
      if (claimed !== null) release(claimed);
    }
  };

  /** What is said to a job that may not begin. */
  const settle = async (verdict: Exclude<Verdict, { kind: 'allowed' }>): Promise<OfferOutcome> => {
    switch (verdict.kind) {
      case 'dropped':
        return drop(verdict.reason, verdict.detail);
      case 'consumed':
        return consumed(verdict.order);
      case 'denied':
        return deny(verdict.order, verdict.reason, verdict.detail, verdict.reason === 'limit_reached');
    }
  };

  const consumed = (order: Order): OfferOutcome => {
    const numbers = journal.state.steps.get(order.key)?.receipts ?? [];
    const receipts = numbers.flatMap((seq) => {
      const found = journal.state.receipts.get(seq);
      return found === undefined ? [] : [{ seq, jws: found.jws }];
    });
    return { kind: 'consumed', receipts };
  };

  const deny = async (
    order: Order,
    code: string,
    detail: string | undefined,
    granted: boolean,
  ): Promise<OfferOutcome> => {
    const written = await book.deny(order, code, granted);
    if (!written.ok) return written.reason === 'consumed' ? consumed(order) : drop(written.reason, code);
    const { action, target } = order.step;
    log.warn('step_refused', { code, action, target, detail: detail ?? null });
    return { kind: 'refused', code };
  };

  /**
   * Null when the step's locks are held now, by the house of its order. Nothing is awaited in here, so that of
   * two offers only one can get them.
   */
  const takeLocks = (text: string, order: Order, claim: string | null): OfferOutcome | null => {
    if (stop.signal.aborted) return drop('closing');
    if (claim === null && held.has(order.key)) return { kind: 'known' };
    const locks = locksOfStep(order.trust.document.house, relay, order.step.action, order.step.target);
    const others = [...held].filter(([id]) => id !== order.key).map(([, hold]) => hold);
    const queued = waiting.filter((other) => other.key !== order.key);
    const isQueued = queued.length < waiting.length;
    const ahead = [...others, ...(claim === null ? queued : [])].flatMap((other) => other.locks);
    if (!isQueued && !anyConflict(locks, ahead)) {
      held.set(order.key, { locks, progress: null, goingDown: false });
      return null;
    }
    const entry: Waiting = { key: order.key, text, job: order.job, locks };
    // A step that waits already keeps its place; the newer job lives longer.
    if (isQueued) waiting = waiting.map((other) => (other.key === order.key ? entry : other));
    else if (waiting.length >= maxWaiting) return drop('queue_full');
    else waiting = [...waiting, entry];
    return { kind: 'waiting' };
  };

  /** Journals a step whose locks are held, and lets it run. */
  const begin = async (order: Order): Promise<OfferOutcome | 'trust_changed'> => {
    const checked = await runner.precheck(order);
    if (stop.signal.aborted) return drop('closing');
    if (!checked.ok) return deny(order, checked.reason, checked.detail, true);
    const started = await book.start(order, () =>
      trust.current() === order.trust
        ? judge.judgeAgain(context(), order)
        : { kind: 'dropped', reason: 'trust_changed' },
    );
    if (!started.ok && 'reason' in started) return drop(started.reason);
    if (!started.ok) {
      const { verdict } = started;
      return verdict.kind === 'dropped' && verdict.reason === 'trust_changed'
        ? 'trust_changed'
        : settle(verdict);
    }
    act(order, started.value);
    return { kind: 'started' };
  };

  /** Lets a journalled step run. */
  const act = (order: Order, entry: StepEntry): void => {
    const { action, target } = order.step;
    log.info('step_started', { action, target });
    held.get(order.key)!.progress = { intent: order.digest, step: order.job.step, phase: 'acting' };
    tellProgress();
    void runToEnd(order.key, entry, () => runner.act(entry, order));
  };

  const isFree = (locks: readonly Lock[]): boolean =>
    !stop.signal.aborted &&
    !anyConflict(
      locks,
      [...held.values(), ...waiting].flatMap((one) => one.locks),
    );

  /** Holds a step's locks, if they are free and nobody waits for them. */
  const claim = ({ key, trust: { document }, step: { action, target } }: Order): boolean => {
    const locks = locksOfStep(document.house, relay, action, target);
    if (!isFree(locks)) return false;
    held.set(key, { locks, progress: null, goingDown: false });
    return true;
  };

  /** Brings an open step to its final receipt, however long the disk takes. */
  const runToEnd = async (
    id: string,
    entry: StepEntry,
    work: () => ReturnType<typeof runner.act>,
  ): Promise<void> => {
    let words = await work();
    if (words === 'pending_boot') {
      held.get(id)!.goingDown = true;
      tellIdle();
      words = await runner.awaitPowerOff();
    }
    while (!stop.signal.aborted && words !== 'stopped') {
      const written = await book.end(journal.state.steps.get(id) ?? entry, words);
      if (written.ok) {
        const { action, target } = entry;
        log.info('step_ended', { action, target, state: words.state, code: words.code });
        release(id);
        for (const listener of endListeners) listener({ action, target });
        return;
      }
      await clock.sleep(retryWriteMs, stop.signal);
    }
  };

  return {
    ...outbox,
    async offer(text) {
      if (stop.signal.aborted) return { kind: 'dropped', code: 'closing' };
      try {
        const envelope = await inIntake(async () => {
          const heard = trust.current();
          const read = await judge.verifyEnvelope(context(), text, seen);
          if (!read.ok) return read;
          const missed = read.value.seq - seen - 1;
          if (missed > 0) log.warn('jobs_missed', { count: missed });
          seen = read.value.seq;
          return ok({ job: read.value, heard });
        });
        if (!envelope.ok) return drop(envelope.reason, envelope.detail);
        const { job, heard } = envelope.value;
        // It may have to wait for locks for longer than a token lives.
        if (job.kind === 'release') await deps.github.noteText(job.authorisation);
        return await consider(text, job, heard, null);
      } catch (error) {
        return faulty(error);
      }
    },
    stand: (asked, nonce) =>
      standAlone({ context, runner, book, log, claim, begin: act, release }, asked, nonce),
    running: () => [...held.values()].flatMap(({ progress }) => (progress === null ? [] : [progress])),
    idle: () =>
      new Promise((resolve) => {
        idlers.push(resolve);
        tellIdle();
      }),
    async recover() {
      const open = [...journal.state.steps.values()].filter(isOpen);
      const { house } = trust.current().document;
      for (const { intent, step, action, target } of open) {
        held.set(stepKey(intent, step), {
          locks: locksOfStep(house, relay, action, target),
          progress: { intent, step, phase: 'waiting' },
          goingDown: false,
        });
      }
      const endings = open.map((entry) => {
        log.warn('step_interrupted', { action: entry.action, target: entry.target });
        return runToEnd(stepKey(entry.intent, entry.step), entry, () => runner.observe(entry));
      });
      await Promise.all(endings);
    },
    seen: () => seen,
    onReceipt: (listener) => {
      receiptListeners.push(listener);
    },
    onEnd: (listener) => {
      endListeners.push(listener);
    },
    hold(action, target) {
      const locks = locksOfStep(trust.current().document.house, relay, action, target);
      if (!isFree(locks)) return null;
      const id = `hold/${target}`;
      held.set(id, { locks, progress: null, goingDown: false });
      return () => release(id);
    },
    onProgress: (listener) => {
      progressListeners.push(listener);
    },
    refused: () => refused,
    writable: () => journal.writable(),
    async close() {
      stop.abort();
      waiting = [];
      for (const tell of idlers.splice(0)) tell();
      await journal.append([]);
      await journal.close();
    },
  };
}
