import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Job } from '../../schema/wire/job.ts';
import { testNonce } from '../support/relay-home.ts';
import type { createForger } from './forger.ts';
import type { Author } from './law.ts';
import type { Op } from './moves.ts';
import { type Paper, writePaper, writeRelease } from './papers.ts';
import { type RelayRun, settleRun } from './relay-run.ts';
import { minute, type Scene } from './scene.ts';

type OpOf<Kind extends Op['op']> = Extract<Op, { op: Kind }>;

/** What the adversary does with the controller's key: words of its own, and jobs that bring any words to the relay. */
export function createOrders(scene: Scene, forger: ReturnType<typeof createForger>, now: () => RelayRun) {
  const { world, clock, papers, jobs, oracle, counts } = scene;
  const home = world.home.id;

  const offer = (text: string, job: Job | null, digest: Paper['digest']): Promise<unknown> => {
    counts.offers += 1;
    if (job !== null) oracle.noteOffer(job, digest, clock.now());
    return now().executor.offer(text);
  };

  const keyOf = (by: 'controller' | 'stranger' | 'relay'): [Author, SigningKey] => {
    if (by === 'controller') return ['controller', world.controller];
    return ['nobody', by === 'relay' ? world.relayKeys.pve1 : world.stranger];
  };

  const mint = async (entry: OpOf<'mint'>): Promise<void> => {
    const steps = entry.steps.map(
      ({ relay, after, ...step }, index): Partial<Step> => ({
        ...step,
        ...(relay !== undefined && { relay }),
        after: after && index > 0 ? [{ step: index - 1, if: 'succeeded' as const }] : [],
      }),
    );
    const draft = {
      steps,
      issued: Math.max(0, clock.now() + entry.issuedMin * minute),
      lifeMs: entry.lifeMin * minute,
    };
    scene.gain(await writePaper(home, draft, ...keyOf(entry.by)));
  };

  const release = async (entry: OpOf<'release'>): Promise<void> => {
    const draft = { targets: [...entry.targets].sort(), number: entry.number, issued: clock.now() };
    scene.gain(await writeRelease(home, draft, ...keyOf(entry.by)));
  };

  const envelope = () => ({
    home,
    relay: 'pve2',
    session: now().session,
    seq: Math.max(1, now().seq),
    exp: clock.now() + 5 * minute,
    step: 0,
    receipts: [],
  });

  /** One job of any paper, with at most one fault, and all that may be wrong beside it. */
  const order = async (entry: OpOf<'order'>): Promise<void> => {
    const run = now();
    // Fresh papers are of more interest than the recorded ones.
    const paper = papers[entry.paper % 2 === 0 ? papers.length - 1 : entry.paper % papers.length]!;
    const shown = await forger.present(paper, entry.authorisation, entry.paper);
    const { fault } = entry;
    const step = fault === 'bad_step' ? 60 : entry.step % paper.steps.length;
    const asRelease = (paper.kind === 'release') !== (fault === 'other_kind');
    if (fault !== 'same_seq') run.seq += fault === 'jump_seq' ? 1000 : 1;
    const exps = { expired: clock.now() - 1, far_exp: clock.now() + 60 * minute };
    const sessions = { old_session: scene.lastSession, strange_session: testNonce() };
    const job: Job = {
      home: fault === 'home' ? 'h_01HZZZZZZZZZZZZZZZZZZZZZZZ' : home,
      relay: fault === 'relay' ? 'pve1' : 'pve2',
      session: fault === 'old_session' || fault === 'strange_session' ? sessions[fault] : run.session,
      seq: Math.max(1, run.seq),
      exp: fault === 'expired' || fault === 'far_exp' ? exps[fault] : clock.now() + 5 * minute,
      ...(asRelease && { kind: 'release' as const }),
      intent: shown.text,
      authorisation: shown.authorisation,
      ...(await forger.timeFor(shown.authorisation, entry.time)),
      step,
      receipts: await forger.receiptsFor(paper, entry.receipts),
    };
    const keys = { by_stranger: world.stranger, by_relay: world.relayKeys.pve1 };
    const key = fault === 'by_stranger' || fault === 'by_relay' ? keys[fault] : world.controller;
    const text = await signJws('job', job, key);
    const real = key === world.controller ? job : null;
    jobs.push({ text, job: real, digest: shown.digest });
    if (!entry.twice) {
      await offer(text, real, shown.digest);
      return;
    }
    // The same step twice at once: the very job, and the next one.
    run.seq += 1;
    const next = { ...job, seq: job.seq + 1 };
    const second = await signJws('job', next, key);
    await Promise.all([
      offer(text, real, shown.digest),
      offer(second, real === null ? null : next, shown.digest),
      offer(text, real, shown.digest),
    ]);
  };

  /** Offers papers as the controller honestly would, in a row or all at once. */
  const offerAll = async (
    chosen: readonly { paper: Paper; step: number }[],
    together: boolean,
  ): Promise<void> => {
    const offers: Promise<unknown>[] = [];
    for (const { paper, step } of chosen) {
      now().seq += 1;
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
        await settleRun(scene, now());
      }
    }
    await Promise.all(offers);
  };

  /** Two releases for one target, one after the other: what their numbers are for. */
  const releaseTwo = ({ first, second }: OpOf<'releases'>): Promise<void> => {
    const stepOf = ({ steps }: Paper) => steps.findIndex(({ target }) => target === 'websvcs');
    const fitting = papers.filter((paper) => paper.kind === 'release' && stepOf(paper) >= 0);
    const chosen = [first, second].map((choice) => fitting[choice % fitting.length]!);
    return offerAll(
      chosen.map((paper) => ({ paper, step: stepOf(paper) })),
      false,
    );
  };

  /** Many intents of one kind, ordered in a row or all at once: what limits are for. */
  const spree = async (entry: OpOf<'spree'>): Promise<void> => {
    const made: { paper: Paper; step: number }[] = [];
    for (let i = 0; i < entry.count; i += 1) {
      const draft = { steps: [entry.what], issued: clock.now() };
      const paper = await writePaper(home, draft, 'controller', world.controller);
      scene.gain(paper);
      made.push({ paper, step: 0 });
    }
    return offerAll(made, entry.together);
  };

  const replay = async ({ job }: OpOf<'replay'>): Promise<void> => {
    const found = jobs[job % Math.max(1, jobs.length)];
    if (found !== undefined) await offer(found.text, found.job, found.digest);
  };

  const mutate = async ({ job, how, at }: OpOf<'mutate'>): Promise<void> => {
    const found = jobs[job % Math.max(1, jobs.length)];
    if (found === undefined) return;
    const text = forger.mutate(found.text, how, at);
    await offer(text, text === found.text ? found.job : null, found.digest);
  };

  /** A step as an honest control plane would bring it: with all receipts, and the notary's word. */
  const bring = async (paper: Paper, step: number): Promise<void> => {
    now().seq += 1;
    const job: Job = {
      ...envelope(),
      ...(paper.kind === 'release' && { kind: 'release' as const }),
      ...{ intent: paper.text, authorisation: paper.authorisation, step },
      ...(await forger.timeFor(paper.authorisation, 'own')),
      receipts: await forger.receiptsFor(paper, 'known'),
    };
    const text = await signJws('job', job, world.controller);
    jobs.push({ text, job, digest: paper.digest });
    await offer(text, job, paper.digest);
  };

  /** A release of whose token the notary spoke: mostly one that has ended. */
  const late = ({ paper: choice }: OpOf<'late'>): Promise<void> => {
    const seen = scene.attestations.map(({ token }) => token);
    const fitting = papers.filter(({ authorisation }) => seen.includes(authorisation));
    const paper = fitting[choice % fitting.length]!;
    return bring(paper, choice % paper.steps.length);
  };

  /** A step that comes after another. */
  const next = ({ paper: choice }: OpOf<'next'>): Promise<void> => {
    const fitting = papers.filter(({ steps }) => steps.some(({ after }) => after.length > 0));
    const paper = fitting[choice % fitting.length]!;
    return bring(
      paper,
      paper.steps.findIndex(({ after }) => after.length > 0),
    );
  };

  return { mint, release, late, next, order, releaseTwo, spree, replay, mutate };
}
