import * as v from 'valibot';
import { actionOf } from '../../schema/actions/index.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { ok, type Result, refuse } from '../../schema/result.ts';
import { standingName } from '../../schema/trust/document.ts';
import { findGrant } from '../../schema/trust/evaluate.ts';
import { excerptMember, excerptSchema } from '../../schema/wire/excerpt.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';
import { own } from '../../schema/wire/record.ts';
import type { Progress } from '../../schema/wire/report.ts';
import type { ActContext, ActionPorts, CheckContext, Outcome, RelayAction } from '../actions/action.ts';
import type { Log } from '../log.ts';
import { contextOf } from './check-context.ts';
import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import type { StepEntry } from './journal-format.ts';
import type { RelayState } from './state-files.ts';
import type { FinalWords, StepBook } from './step-book.ts';
import type { Order } from './verify-job.ts';

/** Calls the actions' own code, keeps it to deadlines, and turns what it says into final words. */
export type StepRunner = {
  precheck(order: Order): Promise<Result<true, string>>;
  /**
   * In the house of the document that the step was authorised by. `stopped` when the relay stops: the next start
   * observes what came of it.
   */
  act(entry: StepEntry, order: Order): Promise<FinalWords | 'pending_boot' | 'stopped'>;
  observe(entry: StepEntry): Promise<FinalWords | 'stopped'>;
  /** Waits for this host to go down, and says so when it does not. */
  awaitPowerOff(): Promise<FinalWords | 'stopped'>;
};

export type StepRunnerDeps = {
  readonly state: Pick<RelayState, 'relay' | 'trust' | 'journal'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly actions: Readonly<Record<string, RelayAction>>;
  readonly ports: ActionPorts;
  readonly book: Pick<StepBook, 'announcePowerOff'>;
  readonly stop: AbortSignal;
  onPhase(id: string, phase: Progress['phase']): void;
  beforePowerOff(): Promise<void>;
};

const precheckMs = 30_000;
const observeMs = 120_000;
/** A host that is told to power off stops its relay within this time. */
const powerOffMs = 10 * 60_000;

const unknown = (code: string): FinalWords => ({ state: 'unknown', code, result: null });

/** Beside its code, what a receipt tells of a failure. What is no excerpt would be in clear there. */
function toldOf({ excerpt, exit }: Extract<Outcome, { state: 'failed' | 'unknown' }>): FinalWords['result'] {
  const told = {
    ...(exit !== undefined && { exit }),
    ...(v.is(excerptSchema, excerpt) && { [excerptMember]: excerpt }),
  };
  return Object.keys(told).length === 0 ? null : told;
}

/** A release's order as it came in its job. */
function signedOf(order: Order): ActContext['signed'] {
  if (order.kind === 'intent') return null;
  const { intent, authorisation, step } = order.job;
  const bytes = decodeBase64url(intent);
  if (!bytes.ok) throw new Error('the order was read before');
  return { bytes: bytes.value, authorisation, part: step, digest: order.digest };
}

/** What a step that nobody ordered may touch. To the actions of callers, paths mean nothing. */
const pathsOf = ({ trust, identity, step }: Order): readonly string[] =>
  identity === standingName ? (findGrant(trust, identity, step.action, step.target)?.paths ?? []) : [];

export function createStepRunner(deps: StepRunnerDeps): StepRunner {
  const { clock, log, stop, ports } = deps;
  const { relay, trust, journal } = deps.state;

  const contextOfOrder = (order: Order, signal: AbortSignal): CheckContext => {
    const { target, params } = order.step;
    const { house, recipients } = order.trust.document;
    const paths = order.kind === 'release' ? order.paths : pathsOf(order);
    return contextOf({ relay, house, target, params, paths, recipients, ports, signal });
  };

  const fault = (where: string, error: unknown): void =>
    log.error('relay_fault', { where, fault: String(error).slice(0, 200) });

  const wordsOf = (type: string, outcome: Outcome | null): FinalWords | 'pending_boot' | 'stopped' => {
    if (stop.aborted) return 'stopped';
    if (outcome === null) return unknown('deadline_passed');
    switch (outcome.state) {
      case 'pending_boot':
        return 'pending_boot';
      case 'succeeded': {
        if (actionOf(type)?.acceptsResult(outcome.result) === true) {
          return { state: 'succeeded', code: null, result: outcome.result };
        }
        fault(type, 'a result of another shape');
        return unknown('relay_fault');
      }
      case 'failed':
      case 'unknown':
        log.warn('step_detail', { action: type, code: outcome.code, detail: outcome.detail ?? null });
        return { state: outcome.state, code: outcome.code, result: toldOf(outcome) };
    }
  };

  return {
    async precheck(order) {
      const action = own(deps.actions, order.step.action);
      if (action === undefined) return refuse('action_unknown');
      if (action.precheck === undefined) return ok(true);
      try {
        const checked = await withDeadline((signal) => action.precheck!(contextOfOrder(order, signal)), {
          clock,
          ms: action.precheckMs ?? precheckMs,
          stop,
        });
        return checked ?? refuse('precheck_timeout');
      } catch (error) {
        fault(order.step.action, error);
        return refuse('relay_fault');
      }
    },

    async act(entry, order) {
      const id = order.key;
      const action = own(deps.actions, entry.action)!;
      try {
        const outcome = await withDeadline(
          (signal) =>
            action.act({
              ...contextOfOrder(order, signal),
              signed: signedOf(order),
              startedAt: entry.at,
              progress: (phase) => deps.onPhase(id, phase),
              async announcePowerOff() {
                // A relay that stops must not take its host down with it.
                if (signal.aborted) return refuse('journal_unwritable', 'the step is over');
                const written = await deps.book.announcePowerOff(id);
                if (!written.ok) return written;
                deps.onPhase(id, 'powering_off');
                await deps.beforePowerOff().catch((error: unknown) => fault('beforePowerOff', error));
                return ok(true);
              },
            }),
          { clock, ms: actionOf(entry.action)!.lifetimeMs, stop },
        );
        const words = wordsOf(entry.action, outcome);
        if (words === 'pending_boot' && journal.state.steps.get(id)?.phase !== 'powering_off') {
          fault(entry.action, 'powers off without having announced it');
          return unknown('relay_fault');
        }
        return words;
      } catch (error) {
        if (stop.aborted) return 'stopped';
        fault(entry.action, error);
        return unknown('relay_fault');
      }
    },

    async observe(entry) {
      const action = own(deps.actions, entry.action);
      const { target, params } = entry;
      const { house } = trust.current().document;
      const machine = machineOfTarget(target);
      const inHouse = own(house.guests, machine) !== undefined || own(house.hosts, machine) !== undefined;
      if (action === undefined || !inHouse) return unknown('interrupted');
      try {
        const outcome = await withDeadline(
          (signal) =>
            action.observe({
              ...contextOf({ relay, house, target, params, ports, signal }),
              ordered: entry.intent,
              startedAt: entry.at,
              bootAtStart: entry.boot,
              bootNow: clock.bootId(),
              powerOffAnnounced: entry.phase === 'powering_off',
            }),
          { clock, ms: action.observeMs ?? observeMs, stop },
        );
        if (outcome === null && !stop.aborted) return unknown('interrupted');
        const words = wordsOf(entry.action, outcome);
        return words === 'pending_boot' ? unknown('relay_fault') : words;
      } catch (error) {
        if (stop.aborted) return 'stopped';
        fault(entry.action, error);
        return unknown('relay_fault');
      }
    },

    async awaitPowerOff() {
      await clock.sleep(powerOffMs, stop);
      return stop.aborted ? 'stopped' : unknown('host_still_on');
    },
  };
}
