import { actionOf } from '../../schema/actions/index.ts';
import { atStart, seconds } from '../../schema/actions/sentence.ts';
import type { GuestView } from '../../schema/api/house.ts';
import type { Order } from '../../schema/api/orders.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { House } from '../../schema/trust/document.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';
import { type Command, isActive, lastAttempt, type StepRecord, tellingStep } from './command.ts';
import { phraseOf } from './phrases.ts';
import { endsWithItsHost } from './settle.ts';
import { titleOf } from './titles.ts';
import type { HostState } from './world.ts';

/** What sentences are made with. */
export type Names = { readonly house: House; readonly runbooks: HouseFile['runbooks'] };

/** "start gaming", of an order; of a runbook its title in quotation marks. */
export function orderPhrase(order: Order, names: Names): string {
  if ('runbook' in order) {
    const runbook = Object.hasOwn(names.runbooks, order.runbook) ? names.runbooks[order.runbook] : undefined;
    return `run “${runbook?.title ?? order.runbook}”`;
  }
  return deed(order.action, order.target, names.house);
}

const deed = (action: string, target: string, house: House): string =>
  `${actionOf(action)?.verb ?? action} ${titleOf(house, target)}`;

/** The step that a successful order was about: the last one that its receipt ends while one waits. */
const mainStep = (steps: readonly StepRecord[]): StepRecord | undefined => steps.at(-1);

/** One sentence on how a command stands, for a phone to speak. */
export function commandSentence(command: Command, names: Names): string {
  const steps = lastAttempt(command);
  const what = orderPhrase(command.order, names);
  switch (command.state) {
    case 'waiting':
      return `It waits for your approval to ${what}: writ approve ${command.id}${untilText(command.dueAt)}.`;
    case 'running':
      return runningSentence(command, steps, what, names);
    case 'succeeded':
      return doneSentence(steps, names);
    case 'failed':
    case 'refused':
      return `Could not ${what}: ${reasonOf(command, steps, names)}. ${aftermath(steps)}`;
    case 'expired':
      return `Could not ${what}: ${reasonOf(command, steps, names)}. Nothing was changed.`;
    case 'unknown':
      return `Nobody can say whether it was possible to ${what}: ${reasonOf(command, steps, names)}.`;
    case 'unconfirmed':
      return unconfirmedSentence(steps, what, names);
  }
}

function doneSentence(steps: readonly StepRecord[], names: Names): string {
  const main = mainStep(steps);
  if (main === undefined) return 'Done.';
  const done = actionOf(main.action)?.done(main.result ?? {}) ?? 'is done';
  return `${atStart(titleOf(names.house, main.target))} ${done}.`;
}

/** ", until 19:15 UTC": whoever hears it may be elsewhere than this clock. */
const untilText = (time: number | null): string =>
  time === null ? '' : `, until ${new Date(time).toISOString().slice(11, 16)} UTC`;

function reasonOf({ code }: Command, steps: readonly StepRecord[], names: Names): string {
  const step = tellingStep(steps);
  // What never had a step ended before anything was signed: its code speaks of no machine.
  if (step === undefined) return phraseOf(steps.length === 0 ? code : null, { target: 'it', relay: 'it' });
  const target = titleOf(names.house, machineOfTarget(step.target));
  return phraseOf(step.code, { target, relay: titleOf(names.house, step.relay) });
}

/** What was and was not done besides. */
function aftermath(steps: readonly StepRecord[]): string {
  const telling = tellingStep(steps);
  const acted = steps.some((step) => step.startedAt !== null);
  if (!acted) return 'Nothing was changed.';
  const later = steps.slice(telling === undefined ? steps.length : steps.indexOf(telling) + 1);
  return later.some((step) => step.state === 'succeeded')
    ? 'The steps after it were done.'
    : 'Nothing was changed after that.';
}

function runningSentence(command: Command, steps: readonly StepRecord[], what: string, names: Names): string {
  const now = steps.find((step) => step.state === 'started') ?? steps.find(isActive);
  const again = command.intents.length > 1 ? ' once more' : '';
  if (now === undefined) return `On its way: ${what}.`;
  const place = steps.length > 1 ? ` (step ${steps.indexOf(now) + 1} of ${steps.length})` : '';
  const act = `${deed(now.action, now.target, names.house)}${place}`;
  return now.state === 'started'
    ? `${atStart(titleOf(names.house, now.relay))} is about to ${act}${again}.`
    : `Waiting for ${titleOf(names.house, now.relay)} to ${act}${again}.`;
}

function unconfirmedSentence(steps: readonly StepRecord[], what: string, names: Names): string {
  const open = steps.find(isActive);
  if (open === undefined) return `It is not known yet what came of the order to ${what}.`;
  if (endsWithItsHost(open.action)) {
    return `${atStart(titleOf(names.house, open.target))} is powering off; its next boot will confirm it.`;
  }
  return `${atStart(titleOf(names.house, open.relay))} began to ${deed(open.action, open.target, names.house)}, and has not been heard of since.`;
}

/** One sentence on how a host stands. */
export function hostSentence(title: string, state: HostState, sinceMs: number | null): string {
  const subject = atStart(title);
  switch (state) {
    case 'awake':
      return `${subject} is awake.`;
    case 'off':
      return `${subject} is off, which its next boot will confirm.`;
    case 'powering_off':
      return `${subject} is powering off.`;
    case 'silent':
      return `${subject} has not been heard of for ${sinceMs === null ? 'a while' : seconds(sinceMs)}.`;
    case 'unseen':
      return `${subject} has never been heard of.`;
  }
}

/** One sentence on how a guest stands. */
export function guestSentence(title: string, view: Pick<GuestView, 'state' | 'in_use' | 'lock'>): string {
  const subject = atStart(title);
  switch (view.state) {
    case 'running':
      return view.in_use === true ? `${subject} is running, and in use.` : `${subject} is running.`;
    case 'stopped':
      return `${subject} is off.`;
    case 'paused':
      return `${subject} is suspended.`;
    case 'missing':
      return `${subject} is missing on its host.`;
    case 'mismatch':
      return `Another machine sits in the place of ${title}.`;
    case 'unseen':
      return `${subject} is off or unseen, as its host is.`;
  }
}
