import type { Order } from '../../schema/api/orders.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { operatorName } from '../../schema/trust/document.ts';
import { evaluateIntent } from '../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../schema/trust/read.ts';
import { parseIntent, type Step } from '../../schema/wire/intent.ts';
import { approvalWaitMs, maxWaitingOrders } from '../../schema/wire/limits.ts';
import { endWaiting, stillApplies, type WaitingEnd } from '../domain/approval.ts';
import type { Command } from '../domain/command.ts';
import { type Answer, type Idempotency, type OrderReason, type Refused, refused } from '../domain/errors.ts';
import { permissionOf } from '../domain/order.ts';
import type { AuditNote } from '../domain/ports.ts';
import { type Grant, principalKey, principalText } from '../domain/principal.ts';
import { commandSentence, type Names, orderPhrase } from '../domain/sentence.ts';
import { acceptIntent, boundTo, replayOf } from './accept.ts';
import type { AuditLog } from './audit-log.ts';
import { changeCommand } from './changes.ts';
import type { Accepted, ApprovalControl } from './control.ts';
import { bells, type ControlDeps, newId } from './deps.ts';
import { judgeIntent } from './judge-intent.ts';
import { writeIntent } from './mint.ts';
import { covers, planOrder } from './plan-order.ts';
import type { Polls } from './relay-poll.ts';
import { readNames, readScene, type Scene } from './scene.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { commandView, commandViews } from './views.ts';

/** The right that listing, approving and denying take. */
export const approvalRight = 'approvals';

const forbidden = (): Refused<'forbidden'> =>
  refused('forbidden', 'What was authorised is another thing than this one.');

const unknown = (id: string): Refused<'command_unknown'> =>
  refused('command_unknown', `There is no command ${id}.`);

const over = (command: Command, names: Names): Refused<'approval_over'> =>
  refused('approval_over', `It does not wait for approval. ${commandSentence(command, names)}`);

/**
 * Has an order of a token wait for the operator. Its bytes are fixed now, so that the very digest is approved
 * that was shown; nothing is locked, so that what waits holds nobody up.
 */
export async function askApproval(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  scene: Scene,
  asked: {
    readonly grant: Grant;
    readonly order: Order;
    readonly sleep: boolean;
    readonly idempotency: Idempotency | undefined;
  },
): Promise<Answer<Accepted, OrderReason>> {
  const { grant, order, sleep, idempotency } = asked;
  const { trust, now, names } = scene;
  // Whoever presses twice means it once. A key of its own says what is the same request.
  const same = idempotency === undefined ? await alike(deps, grant, order) : null;
  if (same !== null) return { ok: true, value: { command: commandView(same, [], names), replayed: false } };
  const planned = planOrder(scene, order, { covers: covers(grant), signers: [operatorName], sleep });
  if (!planned.ok) return planned;
  const { steps } = planned.value;
  const written = await writeIntent(deps, trust.document.home, steps, now, approvalWaitMs);
  const may = evaluateIntent(trust, operatorName, written.intent);
  if (!may.ok) {
    const why = may.detail ?? may.reason;
    return refused('not_granted', `To ${orderPhrase(order, names)} could not even be approved: ${why}.`);
  }
  const principal = principalText(grant.principal);
  const command = {
    id: newId(deps, 'cmd', now),
    order,
    state: 'waiting',
    code: null,
    principal,
    createdAt: now,
    endedAt: null,
    dueAt: now + approvalWaitMs,
  } as const;
  const facts = {
    command: command.id,
    order: permissionOf(order),
    intent: written.digest,
    steps: steps.length,
    until: command.dueAt,
  };
  const outcome = await deps.store.commands.ask({
    command,
    waiting: {
      principal: principalKey(grant.principal),
      digest: written.digest,
      bytes: written.bytes,
    },
    idempotency: boundTo(grant, idempotency),
    note: { time: now, event: 'command.asked', principal, facts },
  });
  switch (outcome) {
    case 'asked': {
      deps.doorbell.ring(bells.timer);
      log.grew();
      const asker = principalKey(grant.principal);
      // Revoked while its request was on its way: whoever revoked it found nothing yet that waited.
      if (await isRevoked(deps, asker)) await endWaitingOf(deps, log, trust.document.home, asker);
      const stored = (await deps.store.commands.load(command.id))!;
      return { ok: true, value: { command: commandView(stored, [], names), replayed: false } };
    }
    case 'approvals_full':
      return refused(
        'approvals_full',
        `${maxWaitingOrders} orders of yours wait for approval already: approve or deny some first.`,
      );
    case 'idempotency_taken': {
      const replay = await replayOf(deps, keeper, grant, idempotency);
      if (replay === null) throw new Error('an idempotency key was taken and is not there');
      return replay;
    }
  }
}

/** What waits already of the same order by the same caller. */
async function alike({ store }: ControlDeps, { principal }: Grant, order: Order): Promise<Command | null> {
  const text = JSON.stringify(order);
  for (const one of await store.commands.waiting()) {
    if (one.principal !== principalKey(principal)) continue;
    const command = await store.commands.load(one.command);
    if (command?.state === 'waiting' && JSON.stringify(command.order) === text) return command;
  }
  return null;
}

/** Ends what waits and the operator may not order any more, or whose token was revoked with all others. */
export async function reviewWaiting(deps: ControlDeps, log: AuditLog, trust: Trust): Promise<void> {
  for (const { command: id, principal, bytes } of await deps.store.commands.waiting()) {
    const intent = readIntent(bytes);
    const mayStill = intent !== null && evaluateIntent(trust, operatorName, intent).ok;
    if (mayStill && !(await isRevoked(deps, principal))) continue;
    const code = mayStill ? 'token_revoked' : 'trust_changed';
    await end(deps, log, trust.document.home, id, { state: 'refused', code });
  }
}

/** Whether the token that asked, by its `principalKey`, counts no more. */
async function isRevoked({ store }: ControlDeps, principal: string): Promise<boolean> {
  const token = await store.tokens.find(principal.slice('token:'.length));
  return token !== null && token.revokedAt !== null;
}

/** Ends what waits of a caller whose word counts no more. */
export async function endWaitingOf(deps: ControlDeps, log: AuditLog, home: string, principal: string) {
  for (const one of await deps.store.commands.waiting()) {
    if (one.principal !== principal) continue;
    await end(deps, log, home, one.command, { state: 'refused', code: 'token_revoked' });
  }
}

/** The intent in bytes that this side wrote itself. */
function readIntent(bytes: string) {
  const decoded = decodeBase64url(bytes);
  const parsed = decoded.ok ? parseIntent(decoded.value) : decoded;
  return parsed.ok ? parsed.value : null;
}

const end = (
  deps: ControlDeps,
  log: AuditLog,
  home: string,
  id: string,
  how: WaitingEnd,
  notes: readonly AuditNote[] = [],
): Promise<boolean> =>
  changeCommand(
    deps,
    log,
    home,
    () => deps.store.commands.load(id),
    (command) => endWaiting(command, how, deps.clock.now()),
    () => notes,
  );

export function createApprovals(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  polls: Pick<Polls, 'waiting'>,
): ApprovalControl {
  const { commands } = deps.store;
  const find = async (id: string) => (await commands.waiting()).find(({ command }) => command === id);

  /** Why steps that were fixed earlier would be done otherwise now; null when they would not. */
  const outdated = (scene: Scene, order: Order, steps: readonly Step[]): string | null => {
    const fresh = planOrder(scene, order, {
      covers: (action, target) => steps.some((step) => step.action === action && step.target === target),
      signers: [operatorName],
    });
    // A rival that runs now and was not to be shut down then is more to do, not a lack of scope.
    if (!fresh.ok && fresh.reason !== 'rival_not_covered') return fresh.detail;
    return fresh.ok && stillApplies(steps, fresh.value.steps)
      ? null
      : 'More would have to be done than was asked.';
  };

  return {
    list: async () => {
      const waiting = new Map((await commands.waiting()).map((one) => [one.command, one]));
      const open = await commands.list({ states: ['waiting'], before: null, limit: 1_000 });
      const names = await readNames(deps, keeper);
      return open.flatMap((command) => {
        const one = waiting.get(command.id);
        if (one === undefined || command.dueAt === null) return [];
        const view = commandView(command, [], names);
        return [{ command: view, intent: one.bytes, digest: one.digest, until: command.dueAt }];
      });
    },

    approve: async (grant, id, { authorisation }, options = {}) => {
      if (grant.permission !== approvalRight) return forbidden();
      const replay = await replayOf(deps, keeper, grant, options.idempotency);
      if (replay !== null) return replay;
      const scene = await readScene(deps, keeper);
      if (scene === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const { trust, now, names } = scene;
      const { home } = trust.document;
      if (trustExpired(trust, now)) {
        return refused(
          'trust_expired',
          'The trust document has expired: sign a new version with writ trust.',
        );
      }
      const waited = await commands.load(id);
      if (waited === null) return unknown(id);
      const fixed = await find(id);
      if (waited.state !== 'waiting' || fixed === undefined) return over(waited, names);
      if (waited.dueAt === null || waited.dueAt <= now) {
        await end(deps, log, home, id, { state: 'expired', code: 'approval_expired' });
        return refused('approval_over', 'It was not approved in time. Nothing was done.');
      }
      const { order } = waited;
      const steps = readIntent(fixed.bytes)?.steps ?? [];
      const judged = await judgeIntent(scene, { order, intent: fixed.bytes, authorisation });
      if (!judged.ok && judged.reason !== 'intent_not_of_order') return judged;
      if (judged.ok && judged.value.signer !== operatorName) {
        return refused(
          'authorisation_invalid',
          'An approval is signed by the operator key, and by no other.',
        );
      }
      const outdatedBy = judged.ok ? outdated(scene, order, steps) : judged.detail;
      if (!judged.ok || outdatedBy !== null) {
        await end(deps, log, home, id, { state: 'refused', code: 'plan_outdated' });
        return refused('plan_outdated', `It would be done otherwise now: ${outdatedBy} Nothing was done.`);
      }
      const { intent, digest, signer } = judged.value;
      return acceptIntent(deps, keeper, log, polls, scene, {
        grant,
        order,
        waited,
        signed: {
          digest,
          attempt: 0,
          bytes: fixed.bytes,
          authorisation,
          signer,
          issuedAt: intent.issued_at,
          expires: intent.expires,
        },
        steps: intent.steps,
        idempotency: options.idempotency,
      });
    },

    deny: async (grant, id) => {
      if (grant.permission !== approvalRight) return forbidden();
      const [trust, fixed, names] = await Promise.all([keeper.current(), find(id), readNames(deps, keeper)]);
      if (trust !== null && fixed !== undefined) {
        await end(deps, log, trust.document.home, id, { state: 'refused', code: 'approval_denied' }, [
          {
            time: deps.clock.now(),
            event: 'command.denied',
            principal: principalText(grant.principal),
            facts: { command: id, intent: fixed.digest },
          },
        ]);
      }
      const command = await commands.load(id);
      if (command === null) return unknown(id);
      if (command.code !== 'approval_denied') return over(command, names);
      return { ok: true, value: (await commandViews(deps, [command], names))[0]! };
    },
  };
}
