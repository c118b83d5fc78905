import { atStart } from '../../schema/actions/sentence.ts';
import {
  type CommandState,
  type CommandView,
  commandViewSchema,
  type Order,
  planSchema,
  type StepView,
} from '../../schema/api/orders.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { Runbook } from '../../schema/manifest/house.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Step } from '../../schema/wire/intent.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { type CheckedPlan, checkPlan, inWords } from './check-plan.ts';
import type { Context } from './command.ts';
import { type Done, done, type Exit, exits, type Failure, fail } from './outcome.ts';
import { confirm } from './passphrase.ts';
import { pause } from './pause.ts';
import { keptRunbook } from './runbooks.ts';
import { openSession, refreshTrust, type Session, signerOf } from './session.ts';
import { outcomeOf, verifiedReceipts } from './verify-receipts.ts';

/** Options of every command that orders something. */
export const orderOptions = {
  yes: { type: 'flag', about: 'do not ask before steps that you did not name' },
  'no-wait': { type: 'flag', about: 'do not wait for the outcome; writ command ID tells it later' },
} as const;

export type OrderValues = { readonly yes: boolean; readonly 'no-wait': boolean };

/** How long a control plane may be away while an order is followed. */
const patienceMs = 3 * 60_000;

/** Has the control plane plan an order, checks the plan, signs it, follows it, and checks the receipts. */
export async function giveOrder(
  context: Context,
  makeOrder: (trust: Trust, signer: string) => { ok: true; value: Order } | Failure,
  values: OrderValues,
): Promise<Done | Failure> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const { home } = session.value;
  const trust = await refreshTrust(session.value);
  if (!trust.ok) return trust;
  const order = makeOrder(trust.value, signerOf(trust.value, home));
  if (!order.ok) return order;

  const kept =
    'runbook' in order.value
      ? keptRunbook(home.directory, order.value.runbook)
      : ({ ok: true, value: null } as const);
  if (!kept.ok) return kept;
  if ('runbook' in order.value && kept.value === null && values.yes) {
    return fail(
      exits.refused,
      'runbook_not_kept',
      `What ${order.value.runbook} does is not known on this computer, so that nothing was signed. Run it without --yes and look at its steps, or run: writ house set FILE`,
    );
  }

  const ordered = await signPlan(
    context,
    session.value,
    trust.value,
    { order: order.value, runbook: kept.value },
    (checked, notes) => agree(context, order.value, checked, notes, values.yes),
  );
  if (!ordered.ok) return ordered;
  const { plan, accepted } = ordered.value;
  if (values['no-wait']) {
    return done(`${accepted.id} is accepted. Its outcome: writ command ${accepted.id}`, accepted);
  }
  const ended = await followCommand(context, session.value, accepted);
  if (!ended.ok) return ended;
  return judge(session.value, plan, ended.value);
}

/** An order that the control plane took, and the plan of it that was signed. */
export type Ordered = { readonly plan: CheckedPlan; readonly accepted: CommandView };

/**
 * Has the control plane plan an order, checks the plan, asks, signs it with the operator key, and hands it over.
 *
 * @param agree says whether the owner agrees to what the plan does besides
 */
export async function signPlan(
  context: Context,
  session: Session,
  trust: Trust,
  wanted: { readonly order: Order; readonly runbook: Runbook | null },
  agree: (checked: CheckedPlan, notes: readonly string[]) => Promise<true | Failure>,
): Promise<{ ok: true; value: Ordered } | Failure> {
  const { api, home } = session;
  const { order, runbook } = wanted;
  context.progress.say('Planning');
  const plan = await api.call({
    method: 'POST',
    url: '/v1/plans',
    body: { order },
    answer: planSchema,
  });
  if (!plan.ok) return plan;
  const checked = await checkPlan(trust, order, plan.value, context.now(), runbook, signerOf(trust, home));
  if (!checked.ok) {
    return fail(
      exits.refused,
      checked.reason,
      `The control plane's plan was not signed: ${checked.detail ?? checked.reason}.`,
    );
  }
  const agreed = await agree(checked.value, plan.value.notes);
  if (agreed !== true) return agreed;

  const authorisation = await signJws(
    'intent',
    { home: home.file.home, kind: 'intent', digest: checked.value.digest },
    home.operator,
  );
  const accepted = await submit(context, session, '/v1/commands', {
    order,
    intent: plan.value.intent,
    authorisation,
  });
  if (!accepted.ok) return accepted;
  return { ok: true, value: { plan: checked.value, accepted: accepted.value } };
}

async function agree(
  context: Context,
  order: Order,
  { toConfirm }: CheckedPlan,
  notes: readonly string[],
  yes: boolean,
): Promise<true | Failure> {
  if (toConfirm.length === 0) return true;
  context.progress.end();
  const head =
    'runbook' in order ? `${order.runbook} does this, in order:` : 'Before that, this has to be done:';
  const lines = [head, ...toConfirm.map((step) => `  ${inWords(step)}`), ...notes.map((note) => `(${note})`)];
  if (!context.json || !yes) context.terminal.err(`${lines.join('\n')}\n`);
  return confirm(context, 'Go on?', yes);
}

/** Hands over what was signed until an answer comes: the same key makes a repeat harmless. */
export async function submit(
  context: Context,
  { api }: Session,
  url: string,
  body: Readonly<Record<string, unknown>>,
): Promise<{ ok: true; value: CommandView } | Failure> {
  const idempotencyKey = encodeBase64url(context.random(16));
  for (let attempt = 1; ; attempt += 1) {
    const answer = await api.call({
      method: 'POST',
      url,
      body,
      answer: commandViewSchema,
      idempotencyKey,
    });
    if (answer.ok || !answer.ambiguous || context.signal.aborted) return answer;
    if (attempt === 5) {
      return {
        ...answer,
        detail: `${answer.detail}\nWhether the order was accepted is not known. See: writ command`,
      };
    }
    await pause(500 * attempt, context.signal);
  }
}

/**
 * Follows a command to its end, and tells its steps.
 *
 * @param isEnough asked of each state of it: whether whoever follows knows enough
 */
export async function followCommand(
  context: Context,
  { api }: Session,
  accepted: CommandView,
  isEnough?: (command: CommandView) => Promise<boolean>,
): Promise<{ ok: true; value: CommandView } | Failure> {
  let command = accepted;
  let told = new Map<string, string>();
  let awaySince: number | null = null;
  for (;;) {
    told = tellSteps(context, told, command.steps);
    if ((command.state !== 'running' && command.state !== 'waiting') || (await isEnough?.(command)) === true)
      return { ok: true, value: command };
    // Somebody who watches sees each step as it changes; a script is answered once, at the end.
    const waitS = context.terminal.watched || isEnough !== undefined ? 1 : 50;
    const answer = await api.call({
      method: 'GET',
      url: `/v1/commands/${command.id}?wait=${waitS}`,
      answer: commandViewSchema,
      timeoutMs: (waitS + 15) * 1000,
    });
    if (answer.ok) {
      command = answer.value;
      awaySince = null;
      continue;
    }
    awaySince ??= context.now();
    if (answer.exit === exits.refused || context.signal.aborted || context.now() - awaySince > patienceMs) {
      return {
        ...answer,
        detail: `${answer.detail}\n${command.id} was accepted and goes on; its outcome is not known here. See: writ command ${command.id}`,
      };
    }
    await pause(1_000, context.signal);
  }
}

function tellSteps(
  context: Context,
  told: Map<string, string>,
  steps: readonly StepView[],
): Map<string, string> {
  const now = new Map<string, string>();
  for (const step of steps) {
    const key = `${step.attempt}.${step.step}`;
    const text = `${step.state}${step.code === null ? '' : ` (${step.code})`}`;
    now.set(key, text);
    if (told.get(key) !== text && step.state !== 'waiting') {
      context.progress.note(`${atStart(inWords(step))}: ${text}`);
    }
  }
  const active = steps.find(({ state }) => ['queued', 'sent', 'started'].includes(state));
  context.progress.say(active === undefined ? 'Waiting' : `${atStart(inWords(active))} …`);
  return now;
}

/** What a command's state means for the exit code. */
export const exitOfState: Readonly<Record<CommandState, Exit>> = {
  waiting: exits.unconfirmed,
  running: exits.unconfirmed,
  succeeded: exits.ok,
  failed: exits.failed,
  refused: exits.refused,
  unknown: exits.unconfirmed,
  expired: exits.failed,
  unconfirmed: exits.unconfirmed,
};

/** A step of a plan, and the final receipt of its relay; null where it signed none. */
export type SignedStep = { readonly step: Step; readonly receipt: Receipt | null };

/** Success is what the relays' receipts say, verified against trust; the control plane's word is not enough. */
export async function proveSteps(
  session: Session,
  plan: CheckedPlan,
  command: CommandView,
): Promise<{ ok: true; value: readonly SignedStep[] } | Failure> {
  const trust = await refreshTrust(session);
  if (!trust.ok) return trust;
  const receipts = await verifiedReceipts(trust.value, command.receipts);
  const outcomes = plan.intent.steps.map((step, index) => ({
    step,
    receipt: outcomeOf(receipts, plan.digest, index, step),
  }));
  const open = outcomes.filter(({ receipt }) => receipt?.state !== 'succeeded');
  if (command.state === 'succeeded' && open.length > 0) {
    return fail(
      exits.refused,
      'outcome_unproven',
      `The control plane says that ${command.id} succeeded, but no relay of your trust document has signed that it did ${open.map(({ step }) => inWords(step)).join(', ')}. It was not believed.`,
    );
  }
  return { ok: true, value: outcomes };
}

/** What came of a plan that was signed here, as far as its relays signed it. */
export async function judge(
  session: Session,
  plan: CheckedPlan,
  command: CommandView,
): Promise<Done | Failure> {
  const signed = await proveSteps(session, plan, command);
  if (!signed.ok) return signed;
  const proven = signed.value.map(({ step, receipt }, index) => ({
    step: index,
    action: step.action,
    target: step.target,
    proven: receipt?.state ?? null,
    code: receipt?.code ?? null,
  }));
  const lines = [command.sentence];
  if (command.state === 'succeeded') lines.push('Verified against the receipts of its relays.');
  if (command.state === 'unconfirmed') lines.push(`Its end comes later: writ command ${command.id}`);
  if (command.code !== null && command.state !== 'unconfirmed') lines.push(`Code: ${command.code}`);
  for (const { receipt } of signed.value) {
    if (receipt?.state !== 'failed' || typeof receipt.result?.exit !== 'number') continue;
    lines.push(
      `It ended with ${receipt.result.exit}. What it printed, where it was sent: writ command ${command.id} --log`,
    );
  }
  return done(lines.join('\n'), { command, proven }, exitOfState[command.state]);
}
