import * as v from 'valibot';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { ok, type Result } from '../../schema/result.ts';
import { type VerifiedOrder, verifyOrder } from '../../schema/trust/verify-order.ts';
import { clockSkewMs } from '../../schema/wire/limits.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import { createTurns } from '../agent/turns.ts';
import { weighOrder } from '../agent/verify-release.ts';
import {
  type ActAnswer,
  type ActOutcome,
  type ActRequest,
  actRequestSchema,
  codeOf,
  maxRequestBytes,
} from '../drivers/act-messages.ts';
import type { FrameLink } from '../drivers/frame-link.ts';
import type { WatchPath } from '../drivers/watch-path.ts';
import type { Log } from '../log.ts';
import type { Machine } from '../machine/machine.ts';
import type { ActState } from './act-state.ts';
import { confirm, fetchBlob, say } from './ask-relay.ts';
import { createBusy } from './busy.ts';

/** What is done on a target, once it was judged that it may be. */
export type TargetWork = {
  /**
   * Looks whether a part may be brought to a target under a grant with these paths: nothing is changed. Gives what
   * does it, to be called once the order is written down.
   */
  prepare(given: {
    readonly machine: Machine;
    readonly target: string;
    readonly relay: string;
    /** Digest of the part. */
    readonly part: string;
    readonly again: boolean;
    readonly paths: readonly string[];
    /** Who may read what programs of the target say. */
    readonly recipients: readonly string[];
    blob(digest: string): Promise<Result<Uint8Array<ArrayBuffer>, string>>;
    progress(phase: 'staged' | 'activated'): void;
    readonly watchPath: WatchPath;
    readonly signal: AbortSignal;
  }): Promise<Result<() => Promise<ActOutcome>, string>>;
  /** Ends or undoes what a crash left open, and says what is true of a part now. A refusal: it cannot be told yet. */
  settle(machine: Machine, part: string): Promise<Result<ActOutcome, string>>;
  /**
   * `identity`: the recipient of a target that runs a release, which makes its age identity now where it has none.
   *
   * @param isQuiet nothing is at work there: what was left half done is put back first
   */
  look(
    machine: Machine,
    isQuiet: boolean,
  ): Promise<
    Result<{ readonly report: TargetReport; readonly identity: Result<string, string> | null }, string>
  >;
};

export type ActServiceDeps = {
  readonly state: ActState;
  readonly work: TargetWork;
  /** The machine of a target of this host, in the house of the trust document in force. */
  machineOf(target: string): Promise<Result<Machine, string>>;
  readonly clock: { now(): number; synchronised(): Promise<boolean> };
  readonly log: Log;
  /** Aborted when the helper is told to stop: what is at work is undone. */
  readonly stop: AbortSignal;
};

export type ActService = {
  /** Serves one connection to its end. Never rejects. */
  serve(link: FrameLink): Promise<void>;
  /**
   * Settles what a crash left open, as far as the targets can be reached. Called once, before anything is served: from
   * the call on, whoever asks for such a target waits.
   *
   * @param before is awaited first where there is something open
   */
  recover(before: () => Promise<unknown>): Promise<void>;
};

/** A helper that cannot prove its footing: it says why to whoever asks, and does nothing. */
export const refuseAll = (code: string): ActService => ({
  async serve(link) {
    say(link, { k: 'hello', v: 1, trust: 0 });
    await link.next(requestMs, { json: maxRequestBytes, bytes: 0 });
    say(link, refused(code));
    link.close();
  },
  recover: async () => {},
});

const requestMs = 10_000;

/** It has no way to GitHub's keys, and the relay's word on them is not taken. */
const noGithub = null;

/** What was asked for is not done, and nothing is changed. */
const refused = (code: string, detail?: string): Refused => ({
  k: 'refused',
  code: codeOf(code),
  ...(detail !== undefined && { detail: detail.slice(0, 2000) }),
});
type Refused = Extract<ActAnswer, { k: 'refused' }>;
const ended = (outcome: ActOutcome): ActAnswer => ({ k: 'end', outcome });

export function createActService(deps: ActServiceDeps): ActService {
  const { state, work, clock, log } = deps;
  const busy = createBusy();

  /** What came of the last order of a target that was left open. */
  const settleOpen = async (target: string): Promise<Result<true, string>> => {
    const open = state.targets().get(target);
    if (open === undefined || open.outcome !== null) return ok(true);
    const machine = await deps.machineOf(target);
    if (!machine.ok) return machine;
    const outcome = await work.settle(machine.value, open.part);
    if (!outcome.ok) return outcome;
    log.warn('act_settled', { target, state: outcome.value.state });
    const written = await state.end(target, outcome.value);
    return written.ok ? ok(true) : written;
  };

  /** What came of the last order of a target, which is settled. */
  const told = (target: string): ActAnswer => {
    const outcome = state.targets().get(target)?.outcome ?? null;
    return outcome === null ? refused('act_interrupted') : ended(outcome);
  };

  const apply = async (link: FrameLink, request: ActRequest & { k: 'apply' }): Promise<ActAnswer> => {
    const bytes = decodeBase64url(request.order);
    if (!bytes.ok) return refused('release_malformed', 'not canonical base64url');
    const signed = { bytes: bytes.value, authorisation: request.authorisation };
    const verified = await verifyOrder(state.trust(), signed, noGithub);
    if (!verified.ok) return refused(verified.reason, verified.detail);
    const target = verified.value.order.parts[request.part]?.target;
    if (target === undefined) return refused('step_unknown');
    const held = await busy.wait(target, AbortSignal.any([link.gone, deps.stop]));
    if (held === null) return refused('act_interrupted');
    try {
      return await applyTo(link, target, verified.value, request.part);
    } finally {
      held.release();
    }
  };

  const applyTo = async (
    link: FrameLink,
    target: string,
    verified: VerifiedOrder,
    part: number,
  ): Promise<ActAnswer> => {
    const settled = await settleOpen(target);
    if (!settled.ok) return refused(settled.reason, settled.detail);
    const now = clock.now();
    if (now < state.time() - clockSkewMs) return refused('clock_behind');
    const verdict = weighOrder(
      {
        trust: state.trust(),
        github: noGithub,
        relay: state.relay,
        now,
        floors: state.targets(),
        steps: new Set(),
        notBefore: state.notBefore,
        forgotten: 0,
      },
      verified,
      part,
    );
    if (verdict.kind === 'consumed') return told(target);
    if (verdict.kind !== 'allowed') return refused(verdict.reason, verdict.detail);
    const { digest, order, step, paths } = verdict.ordered;
    const wanted = order.parts[part]!;
    const machine = await deps.machineOf(target);
    if (!machine.ok) return refused(machine.reason, machine.detail);

    // Whoever fetches may ask for several at once; on the link one comes after the other.
    const inTurn = createTurns();
    const ordered = { order: order.order, digest, part: wanted.digest, at: now };
    const prepared = await work.prepare({
      machine: machine.value,
      target,
      relay: step.relay,
      part: wanted.digest,
      again: wanted.again === true,
      paths,
      recipients: state.trust().document.recipients ?? [],
      blob: (one) => inTurn(() => fetchBlob(link, one, deps.stop)),
      progress: (phase) => say(link, { k: 'phase', phase }),
      watchPath: async () => {
        await confirm(link, 'before', deps.stop);
        return () => confirm(link, 'after', deps.stop);
      },
      signal: deps.stop,
    });
    // Whoever asked is gone before anything began: it is as if nobody had asked.
    if (link.gone.aborted || deps.stop.aborted || (!prepared.ok && prepared.reason === 'act_interrupted')) {
      return refused('act_interrupted');
    }
    const time = (await clock.synchronised()) ? now : null;
    if (!prepared.ok) {
      const { k: _, ...why } = refused(prepared.reason, prepared.detail);
      const outcome: ActOutcome = { state: 'refused', ...why };
      // An authority wanted it: what it wanted before is not wanted any more.
      const written = await state.order(target, { ...ordered, outcome }, time);
      return written.ok ? ended(outcome) : refused(written.reason, written.detail);
    }
    const begun = await state.order(target, { ...ordered, outcome: null }, time);
    if (!begun.ok) return refused(begun.reason, begun.detail);
    log.info('act_started', { target });
    const outcome = await prepared.value();
    log.info('act_ended', { target, state: outcome.state });
    const kept = await state.end(target, outcome);
    if (!kept.ok) log.error('act_state_unwritable', { target });
    return ended(outcome);
  };

  const settle = async (link: FrameLink, request: ActRequest & { k: 'settle' }): Promise<ActAnswer> => {
    const held = await busy.wait(request.target, AbortSignal.any([link.gone, deps.stop]));
    if (held === null) return refused('act_interrupted');
    try {
      const settled = await settleOpen(request.target);
      if (!settled.ok) return refused(settled.reason, settled.detail);
      const last = state.targets().get(request.target);
      // Whatever it was, nothing of it was begun here.
      return last?.digest === request.order ? told(request.target) : refused('order_unknown');
    } finally {
      held.release();
    }
  };

  const look = async (target: string): Promise<ActAnswer> => {
    // While something is at work there, it is only looked at.
    const held = busy.take(target);
    try {
      const settled = held === null ? ok(true) : await settleOpen(target);
      if (!settled.ok) return refused(settled.reason, settled.detail);
      const machine = await deps.machineOf(target);
      const seen = machine.ok ? await work.look(machine.value, held !== null) : machine;
      if (!seen.ok) return refused(seen.reason, seen.detail);
      const { report, identity } = seen.value;
      if (identity === null) return { k: 'seen', report };
      if (identity.ok) return { k: 'seen', report, recipient: identity.value };
      // Without age it gets no secrets, and may want none.
      if (identity.reason !== 'age_missing')
        log.warn('identity_unfit', { target, code: identity.reason, detail: identity.detail ?? null });
      return { k: 'seen', report };
    } finally {
      held?.release();
    }
  };

  const answer = async (link: FrameLink): Promise<ActAnswer | null> => {
    say(link, { k: 'hello', v: 1, trust: state.trust().document.version });
    const frame = await link.next(requestMs, { json: maxRequestBytes, bytes: 0 }, deps.stop);
    const request =
      frame.ok && frame.value.kind === 'json' ? v.safeParse(actRequestSchema, frame.value.value) : null;
    if (request?.success !== true) {
      log.warn('act_request_malformed', { code: frame.ok ? 'malformed' : frame.reason });
      return null;
    }
    const asked = request.output;
    const followed = await state.follow(asked.trust);
    if (!followed.ok) return refused(followed.reason, followed.detail);
    if (followed.value.refusal !== null) {
      log.warn('trust_refused', { reason: followed.value.refusal.reason });
    }
    switch (asked.k) {
      case 'apply':
        return apply(link, asked);
      case 'settle':
        return settle(link, asked);
      case 'look':
        return look(asked.target);
    }
  };

  return {
    async serve(link) {
      try {
        const last = await answer(link);
        if (last !== null) say(link, last);
        if (last?.k === 'refused') log.warn('act_refused', { code: last.code, detail: last.detail ?? null });
      } catch (error) {
        log.error('relay_fault', { where: 'act', fault: String(error).slice(0, 200) });
        say(link, refused('relay_fault'));
      } finally {
        link.close();
      }
    },
    recover(before) {
      const open = [...state.targets()].flatMap(([target, { outcome }]) =>
        outcome === null ? [{ target, held: busy.take(target) }] : [],
      );
      const settleAll = async (): Promise<void> => {
        if (open.length > 0) await before();
        for (const { target, held } of open) {
          const settled = await settleOpen(target);
          if (!settled.ok) log.warn('act_not_settled', { target, code: settled.reason });
          held?.release();
        }
      };
      return settleAll();
    },
  };
}
