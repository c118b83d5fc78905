import type { Action } from '../../schema/actions/action.ts';
import { type CommandAction, commandActionOf } from '../../schema/actions/index.ts';
import { atStart } from '../../schema/actions/sentence.ts';
import type { Order } from '../../schema/api/orders.ts';
import { type Item, itemsOfRunbook } from '../../schema/api/plan-of.ts';
import type { HouseFile, Runbook } from '../../schema/manifest/house.ts';
import type { House } from '../../schema/trust/document.ts';
import { readCommandName } from '../../schema/wire/ids.ts';
import { type After, maxSteps, type Step } from '../../schema/wire/intent.ts';
import { type Answer, type PlanReason, refused } from './errors.ts';
import { endsWithItsHost } from './settle.ts';
import { titleOf } from './titles.ts';
import type { World } from './world.ts';

export type PlanInput = {
  readonly order: Order;
  /** The caller said `sleep`. */
  readonly sleep: boolean;
  readonly house: House;
  readonly runbooks: HouseFile['runbooks'];
  readonly world: World;
  /** Whether the caller may have an action done on a target that it did not name. */
  readonly covers: (action: string, target: string) => boolean;
  /** Whether the authority that would sign holds a grant. */
  readonly granted: (action: string, target: string) => boolean;
  /** Whether trust admits a relay of this name. */
  readonly admitted: (relay: string) => boolean;
};

export type Planned = { readonly steps: readonly Step[]; readonly notes: readonly string[] };

/** The items of an order: itself, or its runbook's steps. */
export function itemsOf(
  order: Order,
  runbooks: HouseFile['runbooks'],
): Answer<readonly Item[], 'runbook_unknown'> {
  if (!('runbook' in order)) return { ok: true, value: [{ ...order, evenIfFailed: false }] };
  const runbook: Runbook | undefined = Object.hasOwn(runbooks, order.runbook)
    ? runbooks[order.runbook]
    : undefined;
  if (runbook === undefined) return refused('runbook_unknown', `There is no runbook ${order.runbook}.`);
  return { ok: true, value: itemsOfRunbook(runbook) };
}

/** Actions that refuse while another holder of an exclusive resource runs. */
const takesResources: ReadonlySet<string> = new Set(['guest.start', 'guest.resume']);

/**
 * Turns an order into the steps of one intent. Every step's relay is the house's for it, `after` names earlier
 * steps alone, and each host is woken at most once. Conditions are resolved here and never trusted afterwards:
 * the relays check again what they can.
 */
export function plan(input: PlanInput): Answer<Planned, PlanReason> {
  const items = itemsOf(input.order, input.runbooks);
  if (!items.ok) return items;
  const draft = newDraft(input);
  for (const item of items.value) {
    const refusal = draft.add(item);
    if (refusal !== null) return refusal;
  }
  const steps = draft.steps();
  if (steps.length > maxSteps) {
    return refused('plan_too_long', `That takes ${steps.length} steps; one order may have ${maxSteps}.`);
  }
  return { ok: true, value: { steps, notes: draft.notes() } };
}

/** Why an action has no such target, in a sentence; null when it has. */
function missingTarget(house: House, { on }: CommandAction, target: string): string | null {
  const known = on === 'host' ? house.hosts : house.guests;
  const machine = on === 'app' ? readCommandName(target)?.machine : target;
  if (machine === undefined) return `${target} is no command of an app, such as websvcs/wiki/reindex.`;
  return Object.hasOwn(known, machine) ? null : `There is no ${on === 'host' ? 'host' : 'guest'} ${machine}.`;
}

type PlanRefusal = ReturnType<typeof refused<PlanReason>>;

function newDraft(input: PlanInput) {
  const { house, world } = input;
  const steps: Step[] = [];
  const notes: string[] = [];
  /** The step that woke a host, by the host. */
  const wakes = new Map<string, number>();
  const shutDown = new Set<string>();
  /** Guests that the plan itself shuts down or stops before. */
  const guestsDown = new Set<string>();
  /** What the next item comes after: the item before it, if that one is waited for. */
  let before: number | null = null;
  const title = (name: string): string => titleOf(house, name);

  const push = (step: Step): number => steps.push(step) - 1;

  const check = (item: Item): { action: Action; relay: string } | PlanRefusal => {
    const action = commandActionOf(item.action);
    if (action === undefined) return refused('action_unknown', `There is no action ${item.action}.`);
    const missing = missingTarget(house, action, item.target);
    if (missing !== null) return refused('target_unknown', missing);
    if (!action.acceptsParams(item.params)) {
      return refused('params_invalid', `The parameters of ${item.action} do not fit.`);
    }
    const relay = action.relayFor(house, item.target);
    if (!relay.ok) {
      return action.doneBy === 'waker'
        ? refused('nothing_can_wake', `Nothing can wake ${title(item.target)}.`)
        : refused('target_unknown', `${atStart(title(item.target))} has no Proxmox to ${action.verb} it.`);
    }
    if (!input.admitted(relay.value)) {
      return refused('relay_not_admitted', `No relay is admitted on ${title(relay.value)} yet.`);
    }
    return { action, relay: relay.value };
  };

  /** Whether a host must be woken for this step, the refusal when it cannot be, or no need. */
  const needsWake = (host: string, item: Item): boolean | PlanRefusal => {
    if (shutDown.has(host)) {
      return refused('host_already_off', `${atStart(title(host))} is shut down earlier in the same order.`);
    }
    const state = world.host(host);
    if (endsWithItsHost(item.action)) {
      return state === 'off' || state === 'powering_off'
        ? refused('host_already_off', `${atStart(title(host))} is off already.`)
        : false;
    }
    if (state === 'awake' || wakes.has(host)) return false;
    const waker = house.hosts[host]?.wake_via;
    if (waker === undefined) {
      if (state === 'off' || state === 'powering_off') {
        return refused('nothing_can_wake', `${atStart(title(host))} is off, and nothing can wake it.`);
      }
      notes.push(`${atStart(title(host))} has not been heard of lately; the order waits for its relay.`);
      return false;
    }
    if (!input.admitted(waker)) {
      return refused(
        'relay_not_admitted',
        `No relay is admitted on ${title(waker)} yet, which wakes ${title(host)}.`,
      );
    }
    return true;
  };

  /** Other guests on the same host that hold what this one needs, and may be running. */
  const rivalsOf = (guestName: string): string[] => {
    const guest = house.guests[guestName]!;
    return Object.entries(house.guests)
      .filter(
        ([name, other]) =>
          name !== guestName &&
          other.host === guest.host &&
          !guestsDown.has(name) &&
          other.exclusive.some((resource) => guest.exclusive.includes(resource)),
      )
      .map(([name]) => name)
      .filter((name) => {
        const state = world.guest(name)?.state;
        return state !== 'stopped' && state !== 'missing';
      });
  };

  const add = (item: Item): PlanRefusal | null => {
    const checked = check(item);
    if ('ok' in checked) return checked;
    const { action, relay } = checked;
    const condition: After['if'] = item.evenIfFailed ? 'ended' : 'succeeded';
    const gate: After[] = before === null ? [] : [{ step: before, if: condition }];

    if (input.sleep && house.hosts[item.target]?.sleeps !== true) {
      return refused('host_does_not_sleep', `${atStart(title(item.target))} is not a host that sleeps.`);
    }
    if (action.doneBy === 'waker') {
      if (shutDown.has(item.target)) {
        return refused(
          'host_already_off',
          `${atStart(title(item.target))} is shut down earlier in the same order.`,
        );
      }
      // One wake a host: a second one in the same order would add nothing.
      if (wakes.has(item.target)) return null;
    }

    let barrier = gate;
    if (action.doneBy === 'own relay') {
      const wake = needsWake(relay, item);
      if (typeof wake !== 'boolean') return wake;
      if (wake) {
        const waker = house.hosts[relay]!.wake_via!;
        wakes.set(relay, push({ relay: waker, action: 'host.wake', target: relay, params: {}, after: gate }));
        notes.push(`${atStart(title(relay))} is woken first.`);
        barrier = [];
      }
      const woken = wakes.get(relay);
      if (woken !== undefined) barrier = merge(barrier, [{ step: woken, if: 'succeeded' }]);
    }
    if (takesResources.has(item.action)) {
      const rivals: After[] = [];
      for (const rival of rivalsOf(item.target)) {
        const known = world.guest(rival)?.state;
        const runs = known === 'running' || known === 'paused';
        if (!input.covers('guest.shutdown', rival)) {
          if (!runs) continue;
          return refused(
            'rival_not_covered',
            `${atStart(title(rival))} holds what ${title(item.target)} needs, and you may not shut it down.`,
          );
        }
        // What may be stopped anyway is not worth an order that the authority cannot sign.
        if (!runs && !input.granted('guest.shutdown', rival)) continue;
        rivals.push({
          step: push({ relay, action: 'guest.shutdown', target: rival, params: {}, after: barrier }),
          if: 'succeeded',
        });
        guestsDown.add(rival);
        notes.push(
          `${atStart(title(rival))} holds what ${title(item.target)} needs, and is shut down first.`,
        );
      }
      if (rivals.length > 0) barrier = merge(barrier, rivals);
    }

    const index = push({
      relay,
      action: item.action,
      target: item.target,
      params: { ...item.params },
      after: barrier,
    });
    if (action.doneBy === 'waker') wakes.set(item.target, index);
    if (action.verb === 'shut down' || action.verb === 'stop') guestsDown.add(item.target);
    if (takesResources.has(item.action)) guestsDown.delete(item.target);
    if (endsWithItsHost(item.action)) {
      // Its receipt comes at the next boot: what follows cannot wait for that.
      shutDown.add(item.target);
    } else {
      before = index;
    }
    return null;
  };

  return { add, steps: () => steps, notes: () => notes };
}

/** Both lists, each step once; of two conditions on one step the stricter. */
function merge(a: readonly After[], b: readonly After[]): After[] {
  const byStep = new Map<number, After>();
  for (const one of [...a, ...b]) {
    const known = byStep.get(one.step);
    if (known === undefined || one.if === 'succeeded') byStep.set(one.step, one);
  }
  return [...byStep.values()].sort((x, y) => x.step - y.step);
}
