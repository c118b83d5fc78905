import * as v from 'valibot';
import { ok, type Result, refuse } from '../result.ts';
import type { House } from '../trust/document.ts';
import { machineOfTarget, readCommandName } from '../wire/ids.ts';
import { intentLifetimeMs } from '../wire/limits.ts';
import { own } from '../wire/record.ts';

/** What a step holds while it runs. Two shared holds of one thing go together, all others conflict. */
export type Lock = { readonly on: string; readonly mode: 'shared' | 'exclusive' };

export type Risk =
  /** Undone by another command, loses nothing. */
  | 'low'
  /** Ends work that somebody may be doing, gracefully. */
  | 'medium'
  /** May lose data. */
  | 'high';

type FlatResult = Record<string, string | number | boolean | null>;

/** What an action file says. Everything else about it is derived. */
export type ActionCard<T extends string = string, P extends v.GenericSchema = v.GenericSchema> = {
  /** `<host or guest>.<verb>`; its route is /v1/hosts/{host}/<verb> or /v1/guests/{guest}/<verb>. Or `release.<verb>`, `app.<verb>`. */
  readonly type: T;
  /** One line for lists and documentation. */
  readonly title: string;
  readonly risk: Risk;
  /** Parameters tune how, never how dangerous: what raises the risk is an action of its own. */
  readonly params: P;
  /** What a succeeded receipt carries: codes and numbers. */
  readonly result: v.GenericSchema<unknown, FlatResult>;
  /** Which host's relay acts: the target's own, or for a sleeping host the one that trust names as waker. */
  readonly doneBy: 'own relay' | 'waker';
  /** How the step holds its host: with others, or alone. */
  readonly hostLock: 'shared' | 'exclusive';
  /** A graceful action refuses while its target is in use; `overrides` names the action that this one is without that check. */
  readonly inUse: 'refuses' | 'overrides' | 'does not matter';
  /** A relay does it by itself, where trust's identity `standing` lets it; nobody can order it. */
  readonly byItself?: true;
  /** How long an intent with this step lives at least. */
  readonly lifetimeMs?: number;
  /** For sentences: "wake", "Could not wake the tower". */
  readonly verb: string;
  /** What is true once it succeeded: "is awake", "is off". */
  readonly done: (result: FlatResult) => string;
};

export type Action<T extends string = string, P extends v.GenericSchema = v.GenericSchema> = ActionCard<
  T,
  P
> & {
  /**
   * `target`: a host or a guest, whose files it changes. Ordered by releases alone or by nobody, never by an intent. `app`: a command
   * that an app declares, by its full name.
   */
  readonly on: 'host' | 'guest' | 'target' | 'app';
  readonly lifetimeMs: number;
  /** The relay that must do it on a target of this house. */
  relayFor(house: House, target: string): Result<string, 'target_unknown'>;
  locksOf(house: House, target: string): readonly Lock[];
  acceptsParams(params: unknown): boolean;
  acceptsResult(result: unknown): boolean;
};

/** Completes an action's card with what follows from it. */
export function defineAction<const T extends string, P extends v.GenericSchema>(
  card: ActionCard<T, P>,
): Action<T, P> {
  const on = kindOf(card.type);
  return {
    ...card,
    on,
    lifetimeMs: card.lifetimeMs ?? intentLifetimeMs,
    relayFor: (house, target) => {
      if (on === 'app') return relayOfCommand(house, target);
      const guest = on === 'host' ? undefined : own(house.guests, target);
      if (guest !== undefined) return ok(guest.host);
      const host = on === 'guest' ? undefined : own(house.hosts, target);
      if (host === undefined) return refuse('target_unknown', `there is no ${on} ${target}`);
      if (on === 'target') return ok(target);
      if (card.doneBy === 'waker') {
        return host.wake_via === undefined
          ? refuse('target_unknown', `no relay is named that could wake ${target}`)
          : ok(host.wake_via);
      }
      return host.proxmox ? ok(target) : refuse('target_unknown', `${target} has no Proxmox`);
    },
    locksOf: (house, target) => {
      if (on === 'app') return locksOfCommand(house, target, card.hostLock);
      const guest = own(house.guests, target);
      const hostName = on === 'guest' ? guest?.host : (guest?.host ?? target);
      const locks: Lock[] = [{ on: `host:${hostName}`, mode: card.hostLock }];
      if (on === 'host') return locks;
      locks.push({
        on: `${guest === undefined && on === 'target' ? 'files' : 'guest'}:${target}`,
        mode: 'exclusive',
      });
      if (on === 'target') return locks;
      for (const resource of own(house.guests, target)?.exclusive ?? []) {
        locks.push({ on: `resource:${resource}`, mode: 'exclusive' });
      }
      return locks;
    },
    // Valibot takes an array for an object.
    acceptsParams: (params) => !Array.isArray(params) && v.is(card.params, params),
    acceptsResult: (result) => !Array.isArray(result) && v.is(card.result, result),
  };
}

/** The relay of the machine that an app is on. */
function relayOfCommand(house: House, target: string): Result<string, 'target_unknown'> {
  const machine = readCommandName(target)?.machine;
  if (machine === undefined) {
    return refuse('target_unknown', `${target} is no command of an app, such as websvcs/wiki/reindex`);
  }
  const host = own(house.guests, machine)?.host ?? (own(house.hosts, machine) && machine);
  return host === undefined ? refuse('target_unknown', `there is no guest ${machine}`) : ok(host);
}

/** A command is run once at a time; its machine is neither changed nor ended meanwhile, and may run others. */
function locksOfCommand(house: House, target: string, host: Lock['mode']): readonly Lock[] {
  const machine = machineOfTarget(target);
  const guest = own(house.guests, machine);
  return [
    { on: `host:${guest?.host ?? machine}`, mode: host },
    { on: `${guest === undefined ? 'files' : 'guest'}:${machine}`, mode: 'shared' },
    { on: `command:${target}`, mode: 'exclusive' },
  ];
}

function kindOf(type: string): Action['on'] {
  if (type.startsWith('release.')) return 'target';
  if (type.startsWith('app.')) return 'app';
  return type.startsWith('host.') ? 'host' : 'guest';
}

/** Whether two holds of different commands exclude each other. */
export const locksConflict = (a: Lock, b: Lock): boolean =>
  a.on === b.on && (a.mode === 'exclusive' || b.mode === 'exclusive');

/** For actions that take no parameters. */
export const noParams = v.strictObject({});
/** For actions whose success says all. */
export const noResult = v.strictObject({});

/** How long a graceful action waits for a guest to end by itself, in seconds. */
export const patienceParams = v.strictObject({
  timeout_s: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(10), v.maxValue(600))),
});
export const defaultPatienceS = 180;
