import type { ActContext, Outcome } from '../../relay/actions/action.ts';
import { createExecutor } from '../../relay/agent/executor.ts';
import type { Executor, Judge } from '../../relay/agent/executor-contract.ts';
import { openJournal } from '../../relay/agent/journal.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Job } from '../../schema/wire/job.ts';
import {
  createTestClock,
  fakeActions,
  type MemoryDisk,
  noPorts,
  quietLog,
  readReceipt,
} from '../relay/agent/fixture.ts';
import { noGithub } from '../support/no-github.ts';
import { testNonce } from '../support/relay-home.ts';
import type { Counts } from './counts.ts';
import { createForger, type SentJob } from './forger.ts';
import { type Author, dawn, laws } from './law.ts';
import type { Op } from './moves.ts';
import { createOracle } from './oracle.ts';
import { type Paper, writePaper, writeRelease } from './papers.ts';
import type { World } from './world.ts';

const minute = 60_000;

/** Plays one trace against a real executor. Gives the first deed that was not allowed; null when there is none. */
export async function playTrace(
  world: World,
  ops: readonly Op[],
  judge: Judge,
  counts: Counts,
): Promise<string | null> {
  const home = world.home.id;
  const clock = createTestClock(dawn);
  clock.advance(minute);
  const oracle = createOracle(home);
  const papers: Paper[] = [...world.recorded];
  for (const paper of papers) oracle.learn(paper);
  const jobs: SentJob[] = [];
  const ownReceipts: string[] = [];
  let disk: MemoryDisk = world.disk.clone();
  let trust: Trust = world.trusts[0]!;
  let law = laws[0]!;
  let outcome = 'succeed';
  let trueMs = 0;
  let violation: string | null = null;
  let lastSession = testNonce();

  const startRun = async () => {
    const log = quietLog();
    const opened = await openJournal({ disk, clock, log });
    if (!opened.ok) throw new Error(`the journal does not open: ${opened.detail}`);
    const session = testNonce();
    const begun: string[] = [];
    const life = { alive: true, hanging: 0 };
    const act = async (
      type: string,
      { target, params, signal }: ActContext,
    ): Promise<Outcome | undefined> => {
      if (!life.alive) return undefined;
      const at = begun.findIndex((jws) => {
        const { action, target: on } = readReceipt(jws);
        return action === type && on === target;
      });
      if (at === -1) violation ??= `${type} on ${target} without a receipt that it started`;
      else {
        const receipt = readReceipt(begun.splice(at, 1)[0]!);
        const moment = { law, now: clock.now(), trueMs, synchronised: true };
        const complaint = oracle.judge(receipt, params, moment);
        if (complaint !== null) violation ??= `${type} on ${target}: ${complaint}`;
        counts.executed += 1;
        if (oracle.deeds().at(-1)?.byController) counts.byController += 1;
        else counts.byOperator += 1;
        const paper = papers.find(({ digest }) => digest === receipt.intent);
        if ((paper?.steps[receipt.step]?.after.length ?? 0) > 0) counts.after += 1;
        if (paper?.kind === 'release') counts.releases += 1;
      }
      if (outcome === 'hang') {
        life.hanging += 1;
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            life.hanging -= 1;
            resolve({ state: 'unknown', code: 'told_to_end' });
          });
        });
      }
      return outcome === 'fail' ? { state: 'failed', code: 'told_to' } : undefined;
    };
    const executor = createExecutor({
      github: noGithub,
      state: {
        home,
        relay: 'pve2',
        key: world.relayKeys.pve2,
        journal: opened.value,
        trust: {
          current: () => trust,
          install: async () => ({ changed: false, refusal: null }),
          onChange: () => undefined,
        },
      },
      session,
      clock,
      log,
      actions: fakeActions([], { act }),
      ports: noPorts,
      judge,
      beforePowerOff: async () => undefined,
    });
    executor.onReceipt(({ jws }) => {
      if (!life.alive) return;
      ownReceipts.push(jws);
      const receipt = readReceipt(jws);
      if (receipt.state === 'started') begun.push(jws);
      oracle.noteReceipt(receipt);
    });
    oracle.beginRun(session);
    if (disk.fault === null) await executor.recover();
    else void executor.recover();
    return { executor, session, life, seq: 0 };
  };
  let run = await startRun();

  const sleepTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Until all that can end by itself has ended. */
  const settle = async (executor: Executor): Promise<void> => {
    const giveUpAt = performance.now() + 20_000;
    while (disk.fault === null && executor.running().length > run.life.hanging) {
      if (performance.now() > giveUpAt) throw new Error('steps do not end');
      await sleepTick();
    }
  };

  const offer = (text: string, job: Job | null, digest: string): Promise<unknown> => {
    counts.offers += 1;
    if (job !== null) oracle.noteOffer(job, digest, clock.now());
    return run.executor.offer(text);
  };

  const keyOf = (by: 'controller' | 'stranger' | 'relay'): [Author, SigningKey] => {
    if (by === 'controller') return ['controller', world.controller];
    return ['nobody', by === 'relay' ? world.relayKeys.pve1 : world.stranger];
  };

  const mint = async (entry: Extract<Op, { op: 'mint' }>): Promise<void> => {
    const steps = entry.steps.map(
      ({ relay, after, ...step }, index): Partial<Step> => ({
        ...step,
        ...(relay !== undefined && { relay }),
        after: after && index > 0 ? [{ step: index - 1, if: 'succeeded' as const }] : [],
      }),
    );
    const [author, key] = keyOf(entry.by);
    const draft = {
      steps,
      issued: Math.max(0, clock.now() + entry.issuedMin * minute),
      lifeMs: entry.lifeMin * minute,
    };
    const paper = await writePaper(home, draft, author, key);
    oracle.learn(paper);
    papers.push(paper);
  };

  const forger = createForger({ world, papers, ownReceipts, jobs, learn: (paper) => oracle.learn(paper) });

  const envelope = () => ({
    home,
    relay: 'pve2',
    session: run.session,
    seq: Math.max(1, run.seq),
    exp: clock.now() + 5 * minute,
    step: 0,
    receipts: [],
  });

  const order = async (entry: Extract<Op, { op: 'order' }>): Promise<void> => {
    // Fresh papers are of more interest than the recorded ones.
    const paper = papers[entry.paper % 2 === 0 ? papers.length - 1 : entry.paper % papers.length]!;
    const shown = await forger.present(paper, entry.authorisation, entry.paper);
    const { fault } = entry;
    const step = fault === 'bad_step' ? 60 : entry.step % paper.steps.length;
    const asRelease = (paper.kind === 'release') !== (fault === 'other_kind');
    if (fault !== 'same_seq') run.seq += fault === 'jump_seq' ? 1000 : 1;
    const exps = { expired: clock.now() - 1, far_exp: clock.now() + 60 * minute };
    const sessions = { old_session: lastSession, strange_session: testNonce() };
    const job: Job = {
      home: fault === 'home' ? 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ' : home,
      relay: fault === 'relay' ? 'pve1' : 'pve2',
      session: fault === 'old_session' || fault === 'strange_session' ? sessions[fault] : run.session,
      seq: Math.max(1, run.seq),
      exp: fault === 'expired' || fault === 'far_exp' ? exps[fault] : clock.now() + 5 * minute,
      ...(asRelease && { kind: 'release' as const }),
      intent: shown.text,
      authorisation: shown.authorisation,
      step,
      receipts: await forger.receiptsFor(paper, entry.receipts),
    };
    const key =
      fault === 'by_stranger'
        ? world.stranger
        : fault === 'by_relay'
          ? world.relayKeys.pve1
          : world.controller;
    const text = await signJws('job', job, key);
    const real = key === world.controller ? job : null;
    jobs.push({ text, job, digest: shown.digest });
    if (!entry.twice) {
      await offer(text, real, shown.digest);
      return;
    }
    // The same step twice at once: the very job, and the next one.
    run.seq += 1;
    const next = { ...job, seq: job.seq + 1 };
    const second = await signJws('job', next, key);
    const realNext = real === null ? null : next;
    await Promise.all([
      offer(text, real, shown.digest),
      offer(second, realNext, shown.digest),
      offer(text, real, shown.digest),
    ]);
  };

  /** Two releases for one target, one after the other: what their numbers are for. */
  const releaseTwo = (...choices: readonly number[]): Promise<void> => {
    const stepOf = ({ steps }: Paper) => steps.findIndex(({ target }) => target === 'websvcs');
    const fitting = papers.filter((paper) => paper.kind === 'release' && stepOf(paper) >= 0);
    const chosen = choices.map((choice) => fitting[choice % fitting.length]!);
    return offerAll(
      chosen.map((paper) => ({ paper, step: stepOf(paper) })),
      false,
    );
  };

  /** Many intents of one kind, ordered in a row or all at once: what limits are for. */
  const spree = async (entry: Extract<Op, { op: 'spree' }>): Promise<void> => {
    const made: { paper: Paper; step: number }[] = [];
    for (let i = 0; i < entry.count; i += 1) {
      const draft = { steps: [entry.what], issued: clock.now() };
      const paper = await writePaper(home, draft, 'controller', world.controller);
      oracle.learn(paper);
      papers.push(paper);
      made.push({ paper, step: 0 });
    }
    return offerAll(made, entry.together);
  };

  /** Offers papers as the controller honestly would, in a row or all at once. */
  const offerAll = async (
    chosen: readonly { paper: Paper; step: number }[],
    together: boolean,
  ): Promise<void> => {
    const offers: Promise<unknown>[] = [];
    for (const { paper, step } of chosen) {
      run.seq += 1;
      const job: Job = {
        ...envelope(),
        ...(paper.kind === 'release' && { kind: 'release' as const }),
        ...{ intent: paper.text, authorisation: paper.authorisation, step },
      };
      const text = await signJws('job', job, world.controller);
      jobs.push({ text, job, digest: paper.digest });
      offers.push(offer(text, job, paper.digest));
      if (!together) {
        await offers.at(-1);
        await settle(run.executor);
      }
    }
    await Promise.all(offers);
  };

  const step = async (entry: Op): Promise<void> => {
    switch (entry.op) {
      case 'order':
        return order(entry);
      case 'mint':
        return mint(entry);
      case 'release': {
        const [author, key] = keyOf(entry.by);
        const draft = { targets: [...entry.targets].sort(), number: entry.number, issued: clock.now() };
        const paper = await writeRelease(home, draft, author, key);
        oracle.learn(paper);
        papers.push(paper);
        return;
      }
      case 'releases':
        return releaseTwo(entry.first, entry.second);
      case 'spree':
        return spree(entry);
      case 'replay': {
        const found = jobs[entry.job % Math.max(1, jobs.length)];
        if (found !== undefined) await offer(found.text, found.job, found.digest);
        return;
      }
      case 'mutate': {
        const found = jobs[entry.job % Math.max(1, jobs.length)];
        if (found === undefined) return;
        const text = forger.mutate(found.text, entry.how, entry.at);
        await offer(text, text === found.text ? found.job : null, found.digest);
        return;
      }
      case 'trust': {
        // Versions are followed one by one; anything else is not in force.
        if (entry.version !== laws.indexOf(law) + 1) return;
        law = laws[entry.version]!;
        trust = world.trusts[entry.version]!;
        return;
      }
      case 'time':
        trueMs += entry.minutes * minute;
        clock.advance(entry.minutes * minute);
        return sleepTick();
      case 'clock':
        clock.set(clock.now() + entry.minutes * minute);
        return;
      case 'crash': {
        run.life.alive = false;
        const survived = disk.clone();
        survived.fault = disk.fault;
        await run.executor.close();
        disk = survived;
        lastSession = run.session;
        if (entry.reboot) clock.reboot();
        run = await startRun();
        return;
      }
      case 'outcome':
        outcome = entry.next;
        return;
      case 'disk':
        disk.fault = entry.full ? 'ENOSPC' : null;
        disk.tornBytes = entry.full ? 40 : 0;
        if (!entry.full) {
          trueMs += minute;
          clock.advance(minute);
        }
        return;
    }
  };

  for (const entry of ops) {
    await step(entry);
    await settle(run.executor);
    if (violation !== null) break;
  }
  run.life.alive = false;
  await run.executor.close();
  return violation;
}
