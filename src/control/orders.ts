import type { CommandState, Order, SubmitRequest } from '../../schema/api/orders.ts';
import { controllerName, operatorName } from '../../schema/trust/document.ts';
import { evaluateIntent, nameOfKey } from '../../schema/trust/evaluate.ts';
import { trustExpired } from '../../schema/trust/read.ts';
import { commandActionType } from '../../schema/wire/ids.ts';
import { isOpen } from '../domain/command.ts';
import {
  type Answer,
  type Idempotency,
  type OrderReason,
  type Refused,
  refused,
  type SubmitReason,
} from '../domain/errors.ts';
import { permissionOf } from '../domain/order.ts';
import type { Grant } from '../domain/principal.ts';
import { orderPhrase } from '../domain/sentence.ts';
import { acceptIntent, replayOf } from './accept.ts';
import { askApproval } from './approvals.ts';
import type { AuditLog } from './audit-log.ts';
import type { Accepted, OrderControl } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import { judgeIntent } from './judge-intent.ts';
import { signIntent, writeIntent } from './mint.ts';
import { covers, planOrder } from './plan-order.ts';
import type { Polls } from './relay-poll.ts';
import { readNames, readScene } from './scene.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { commandViews } from './views.ts';

const notSetUp = (): Refused<'not_set_up'> =>
  refused('not_set_up', 'Nobody has claimed this control plane yet: run writ init.');

const expired = (): Refused<'trust_expired'> =>
  refused('trust_expired', 'The trust document has expired: sign a new version with writ trust.');

const forbidden = (): Refused<'forbidden'> =>
  refused('forbidden', 'What was authorised is another order than this one.');

/** The command line that does what the controller alone may not. */
const commandLineOf = (order: Order): string =>
  'runbook' in order
    ? `writ run ${order.runbook}`
    : order.action === commandActionType
      ? `writ run ${order.target}`
      : `writ ${order.action.slice(order.action.indexOf('.') + 1)} ${order.target}`;

export function createOrders(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  polls: Pick<Polls, 'waiting'>,
): OrderControl {
  const { store, doorbell, clock, key } = deps;

  const order: OrderControl['order'] = async (grant, wanted, options = {}) => {
    if (grant.permission !== permissionOf(wanted)) return forbidden();
    const replay = await replayOf(deps, keeper, grant, options.idempotency);
    if (replay !== null) return replay;
    const scene = await readScene(deps, keeper);
    if (scene === null) return notSetUp();
    const { trust, now, names } = scene;
    if (trustExpired(trust, now)) return expired();
    const sleep = options.sleep === true;
    const planned = planOrder(scene, wanted, { covers: covers(grant), signers: [controllerName], sleep });
    if (!planned.ok) return planned;
    const written = await writeIntent(deps, trust.document.home, planned.value.steps, now);
    const controller = nameOfKey(trust, key.kid) === controllerName;
    if (!controller || !evaluateIntent(trust, controllerName, written.intent).ok) {
      // Whoever may ask for it by its token has it wait for the operator; the operator plans and signs at once.
      if (controller && grant.principal.kind === 'token') {
        return askApproval(deps, keeper, log, scene, {
          grant,
          order: wanted,
          sleep,
          idempotency: options.idempotency,
        });
      }
      const line = commandLineOf(wanted);
      return refused(
        'needs_operator',
        `To ${orderPhrase(wanted, names)} needs the operator: on the owner's computer, run ${line}.`,
        { commandLine: line },
      );
    }
    return acceptIntent(deps, keeper, log, polls, scene, {
      grant,
      order: wanted,
      signed: await signIntent(deps, written, 0),
      steps: written.intent.steps,
      idempotency: options.idempotency,
    }) as Promise<Answer<Accepted, OrderReason>>;
  };

  const submit = async (
    grant: Grant,
    request: SubmitRequest,
    options: { readonly idempotency?: Idempotency } = {},
  ): Promise<Answer<Accepted, SubmitReason>> => {
    if (grant.permission !== permissionOf(request.order)) return forbidden();
    const replay = await replayOf(deps, keeper, grant, options.idempotency);
    if (replay !== null) return replay;
    const scene = await readScene(deps, keeper);
    if (scene === null) return notSetUp();
    if (trustExpired(scene.trust, scene.now)) return expired();
    const judged = await judgeIntent(scene, request);
    if (!judged.ok) return judged;
    const { intent, digest, signer } = judged.value;
    if (grant.principal.kind === 'key' && grant.principal.name !== signer) return forbidden();
    return acceptIntent(deps, keeper, log, polls, scene, {
      grant,
      order: request.order,
      signed: {
        digest,
        attempt: 0,
        bytes: request.intent,
        authorisation: request.authorisation,
        signer,
        issuedAt: intent.issued_at,
        expires: intent.expires,
      },
      steps: intent.steps,
      idempotency: options.idempotency,
    }) as Promise<Answer<Accepted, SubmitReason>>;
  };

  const view = async (id: string) => {
    const command = await store.commands.load(id);
    if (command === null) return null;
    return (await commandViews(deps, [command], await readNames(deps, keeper)))[0]!;
  };

  return {
    order,
    submit,
    plan: async (grant, wanted, options = {}) => {
      if (grant.permission !== permissionOf(wanted)) return forbidden();
      const scene = await readScene(deps, keeper);
      if (scene === null) return notSetUp();
      const { trust, now } = scene;
      if (trustExpired(trust, now)) return expired();
      const { principal } = grant;
      const planned = planOrder(scene, wanted, {
        covers: covers(grant),
        signers: principal.kind === 'key' ? [principal.name] : [controllerName, operatorName],
        sleep: options.sleep === true,
      });
      if (!planned.ok) return planned;
      const written = await writeIntent(deps, trust.document.home, planned.value.steps, now);
      return {
        ok: true,
        value: {
          order: wanted,
          intent: written.bytes,
          digest: written.digest,
          steps: written.intent.steps,
          controller_may: evaluateIntent(trust, controllerName, written.intent).ok,
          notes: [...planned.value.notes],
        },
      };
    },
    command: view,
    commands: async ({ state, running, limit, before }) => {
      const states: readonly CommandState[] | null =
        state !== undefined ? [state] : running === true ? ['waiting', 'running'] : null;
      const commands = await store.commands.list({
        states,
        before: before ?? null,
        limit: Math.min(Math.max(limit ?? 50, 1), 200),
      });
      return commandViews(deps, commands, await readNames(deps, keeper));
    },
    wait: async (id, ms, signal) => {
      const until = clock.now() + ms;
      for (;;) {
        const ticket = await doorbell.ticket(bells.command(id));
        const state = await store.commands.stateOf(id);
        const left = until - clock.now();
        if (state === null || !isOpen({ state }) || left <= 0) return view(id);
        if ((await doorbell.wait(ticket, left, signal)) !== 'rung') return view(id);
      }
    },
  };
}
