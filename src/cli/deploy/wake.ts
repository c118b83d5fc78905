import { atStart } from '../../../schema/actions/sentence.ts';
import { type StatusView, signedReportsSchema, statusSchema } from '../../../schema/api/house.ts';
import { type CommandView, commandListSchema } from '../../../schema/api/orders.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { clockSkewMs } from '../../../schema/wire/limits.ts';
import { own } from '../../../schema/wire/record.ts';
import { readReport, relayOf } from '../../config/secrets/reported.ts';
import { inWords, orderInWords } from '../check-plan.ts';
import type { Context } from '../command.ts';
import { followCommand, proveSteps, type SignedStep, signPlan } from '../order.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { pause } from '../pause.ts';
import type { Session } from '../session.ts';
import { listed } from '../text.ts';
import type { Sleepers } from './sleepers.ts';

/** What this command woke, or may have. */
export type Woken = {
  readonly name: string;
  readonly on: 'host' | 'guest';
  /** The order that did it. */
  readonly command: string;
};

/** Something that was ordered for the time of a deployment, and what came of it. */
export type Errand = {
  readonly action: string;
  readonly target: string;
  /** `not_ordered`: nothing was signed. `on_its_way`: a host powers off, and says so at its next boot. */
  readonly end: 'done' | 'was_so' | 'on_its_way' | 'refused' | 'failed' | 'unknown' | 'not_ordered';
  readonly code: string | null;
  /** What came of it, as a sentence. */
  readonly says: string;
};

/** What is said and known while hosts and guests are awake for a deployment. */
export type Vigil = {
  readonly woken: readonly Woken[];
  readonly errands: readonly Errand[];
  /** What was told to wake or start, without an end that is known here. */
  readonly unsure?: readonly Woken[];
};

/** `accepted`: the order was taken, and goes on. */
type Broken = Failure & { readonly accepted?: CommandView };

type Ended = {
  readonly errand: Errand;
  readonly command: CommandView | null;
  /** Whether its relay signed what came of it: the control plane's word is no reason to put anything back. */
  readonly isSigned: boolean;
};

/** Shutting down what somebody else uses is nobody's wish who only wants to deploy. */
const declines = (action: string, target: string) => (steps: readonly { action: string; target: string }[]) =>
  fail(
    exits.refused,
    'wake_needs_more',
    `To ${inWords({ action, target })} would also ${listed(steps.map(inWords))}: that was not signed. It waits until you do it: writ start ${target}.`,
  );

/** Gives one order, follows it, and says what came of it by its relay's receipt. Failures: nobody can say. */
async function runErrand(
  context: Context,
  session: Session,
  trust: Trust,
  action: 'host.wake' | 'host.shutdown' | 'guest.start' | 'guest.shutdown',
  target: string,
): Promise<{ ok: true; value: Ended } | Broken> {
  const order = { action, target, params: {} };
  const ordered = await signPlan(context, session, trust, { order, runbook: null }, async ({ toConfirm }) =>
    toConfirm.length === 0 ? true : declines(action, target)(toConfirm),
  );
  if (!ordered.ok) {
    // What is not reached is not refused: there the command ends, and says what stands.
    if (ordered.exit !== exits.refused) return ordered;
    const says = ordered.detail.split('\n').join(' ');
    const errand: Errand = { action, target, end: 'not_ordered', code: ordered.reason, says };
    return { ok: true, value: { errand, command: null, isSigned: false } };
  }
  const { plan, accepted } = ordered.value;
  const isGoing =
    action === 'host.shutdown'
      ? ({ steps }: CommandView) => isPoweringOff(session, target, steps.at(-1)?.state === 'started')
      : undefined;
  const ended = await followCommand(context, session, accepted, isGoing);
  if (!ended.ok) return { ...ended, accepted };
  const command = ended.value;
  const proven = await proveSteps(session, plan, command);
  if (!proven.ok) return { ...proven, accepted };
  const errand = { action, target, ...endOf(command, proven.value) };
  const isSigned = proven.value.some(({ step, receipt }) => step.target === target && receipt !== null);
  return { ok: true, value: { errand, command, isSigned } };
}

function endOf(command: CommandView, steps: readonly SignedStep[]): Pick<Errand, 'end' | 'code' | 'says'> {
  const { code, sentence: says } = command;
  const last = steps.at(-1)?.receipt ?? null;
  switch (command.state) {
    case 'succeeded':
      return { end: last?.result?.already === true ? 'was_so' : 'done', code, says };
    case 'unconfirmed':
    case 'running':
    case 'waiting':
      return { end: 'on_its_way', code, says };
    case 'refused':
      return { end: 'refused', code, says };
    case 'failed':
    case 'expired':
      return { end: 'failed', code, says };
    case 'unknown':
      return { end: 'unknown', code, says };
  }
}

const statusOf = ({ api }: Session) => api.call({ method: 'GET', url: '/v1/status', answer: statusSchema });

/** Whether a host that was told to go down said that it does: its receipt comes at its next boot. */
async function isPoweringOff(session: Session, host: string, hasStarted: boolean): Promise<boolean> {
  if (!hasStarted) return false;
  const status = await statusOf(session);
  const state = status.ok ? status.value.hosts.find(({ name }) => name === host)?.state : undefined;
  return state === 'powering_off' || state === 'off';
}

/** A relay that has just come tells of its guests a moment later. */
const guestsWithinMs = 60_000;

type GuestState = StatusView['guests'][number]['state'];

/** Waits until a relay has told of a guest what is looked for; null where it has not within its time. */
async function stateOfGuest(
  context: Context,
  session: Session,
  name: string,
  isIt: (state: GuestState) => boolean,
): Promise<GuestState | null> {
  const untilMs = context.now() + guestsWithinMs;
  for (;;) {
    const status = await statusOf(session);
    const state = status.ok ? status.value.guests.find((guest) => guest.name === name)?.state : undefined;
    if (state !== undefined && isIt(state)) return state;
    if (context.signal.aborted || context.now() > untilMs) return null;
    await pause(500, context.signal);
  }
}

/** Whether a host has booted within so many ms, by what its relay signed. One that was on all the time has not. */
async function hasBooted({ api }: Session, trust: Trust, host: string, withinMs: number): Promise<boolean> {
  const url = '/v1/relays/reports';
  const answer = await api.call({ method: 'GET', url, answer: signedReportsSchema, verbatim: true });
  if (!answer.ok) return false;
  for (const { report: text } of answer.value.reports) {
    const read = await readReport(trust, text);
    if (read.ok && read.value.report.relay === host)
      return read.value.report.uptime_ms < withinMs + clockSkewMs;
  }
  return false;
}

/**
 * Wakes hosts and starts guests for a deployment, one after the other. `woken` is what was off before and is to be put
 * back; what ran already, or came up by itself, is not. What cannot be woken is told, and its target waits.
 */
export async function wakeSleepers(
  context: Context,
  session: Session,
  trust: Trust,
  { hosts, guests }: Sleepers,
): Promise<{ readonly vigil: Vigil; readonly failure: Failure | null }> {
  const woken: Woken[] = [];
  const errands: Errand[] = [];
  const asleep = new Set<string>();
  const vigil: Vigil = { woken, errands };
  const broken = ({ accepted, ...failure }: Broken, name: string, on: Woken['on']) => {
    const unsure = accepted === undefined ? [] : [{ name, on, command: accepted.id }];
    return { vigil: { ...vigil, unsure }, failure };
  };
  for (const host of hosts) {
    const since = context.now();
    const run = await runErrand(context, session, trust, 'host.wake', host);
    if (!run.ok) return broken(run, host, 'host');
    const { errand, command } = run.value;
    errands.push(errand);
    if (errand.end !== 'done') asleep.add(host);
    else if (await hasBooted(session, trust, host, context.now() - since))
      woken.push({ name: host, on: 'host', command: command!.id });
  }
  for (const guest of guests) {
    if (asleep.has(relayOf(trust.document.house, guest)!)) continue;
    const state = await stateOfGuest(context, session, guest, (one) => one !== 'unseen');
    if (state === 'running') continue;
    const run = await runErrand(context, session, trust, 'guest.start', guest);
    if (!run.ok) return broken(run, guest, 'guest');
    const { errand, command, isSigned } = run.value;
    errands.push(errand);
    // One whose start failed may run all the same, such as one whose agent does not answer.
    const mayRun = errand.end === 'done' || errand.end === 'failed' || errand.end === 'unknown';
    if (mayRun && isSigned) woken.push({ name: guest, on: 'guest', command: command!.id });
    // Before its relay has told so, the guest is off to the control plane, and its part would be taken to wait.
    if (errand.end === 'done') await stateOfGuest(context, session, guest, (one) => one === 'running');
  }
  return { vigil, failure: null };
}

/** Somebody else's order on a host or a guest of it since it was woken, in words; null where there is none. */
async function usedSince(
  { api }: Session,
  trust: Trust,
  { name, on, command }: Woken,
  ours: ReadonlySet<string>,
): Promise<{ ok: true; value: string | null } | Failure> {
  const answer = await api.call({ method: 'GET', url: '/v1/commands?limit=200', answer: commandListSchema });
  if (!answer.ok) return answer;
  const { house } = trust.document;
  for (const other of answer.value.commands) {
    if (other.id === command) break;
    if (ours.has(other.id) || other.state === 'refused') continue;
    const touches = other.steps.some(
      ({ target }) => target === name || (on === 'host' && relayOf(house, target) === name),
    );
    if (touches)
      return { ok: true, value: `${other.principal} ordered to ${orderInWords(other)} (${other.id})` };
  }
  return { ok: true, value: null };
}

/**
 * Puts back what was woken, guests first: gracefully, and not what somebody uses or has ordered something of since. Its
 * errands come after those of `vigil`.
 */
export async function putBack(
  context: Context,
  session: Session,
  trust: Trust,
  vigil: Vigil,
): Promise<{ readonly vigil: Vigil; readonly failure: Failure | null }> {
  const { house } = trust.document;
  const order = ({ name }: Woken): number => own(house.guests, name)?.order ?? Number.MAX_SAFE_INTEGER;
  const left = [...vigil.woken].sort((a, b) => order(a) - order(b));
  const errands: Errand[] = [...vigil.errands];
  const ours = new Set(left.map(({ command }) => command));
  while (left.length > 0) {
    const [one] = left as [Woken, ...Woken[]];
    const rest = (failure: Failure) => ({ vigil: { woken: left, errands }, failure });
    const action = one.on === 'host' ? 'host.shutdown' : 'guest.shutdown';
    const used = await usedSince(session, trust, one, ours);
    if (!used.ok) return rest(used);
    if (used.value === null) {
      const run = await runErrand(context, session, trust, action, one.name);
      if (!run.ok) return rest(run);
      errands.push(run.value.errand);
      if (run.value.command !== null) ours.add(run.value.command.id);
    } else {
      const says = `${atStart(one.name)} stays on: ${used.value} since it was woken.`;
      errands.push({ action, target: one.name, end: 'not_ordered', code: 'used_since', says });
    }
    left.shift();
  }
  return { vigil: { woken: [], errands }, failure: null };
}
