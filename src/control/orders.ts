import type { CommandState, Order, SubmitRequest } from '../../schema/api/orders.ts';
import { isPlanOf } from '../../schema/api/plan-of.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { controllerName, operatorName } from '../../schema/trust/document.ts';
import { evaluateIntent, findGrant, keyOf, nameOfKey } from '../../schema/trust/evaluate.ts';
import { trustExpired } from '../../schema/trust/read.ts';
import { commandActionType } from '../../schema/wire/ids.ts';
import { authorisationSchema, type Intent, parseIntent } from '../../schema/wire/intent.ts';
import { clockSkewMs, maxAuthorisationBytes, maxIntentBytes } from '../../schema/wire/limits.ts';
import {
  type Answer,
  type Idempotency,
  type OrderReason,
  type PlanReason,
  type Refused,
  refused,
  type SubmitReason,
} from '../domain/errors.ts';
import { permissionOf } from '../domain/order.ts';
import { itemsOf, type Planned, plan } from '../domain/planning.ts';
import type { Grant } from '../domain/principal.ts';
import { orderPhrase } from '../domain/sentence.ts';
import { relayKid } from '../domain/world.ts';
import { acceptIntent, replayOf } from './accept.ts';
import type { AuditLog } from './audit-log.ts';
import type { Accepted, OrderControl } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import { signIntent, writeIntent } from './mint.ts';
import type { Polls } from './relay-poll.ts';
import { readNames, readScene, type Scene } from './scene.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { commandViews } from './views.ts';

const notSetUp = (): Refused<'not_set_up'> =>
  refused('not_set_up', 'Nobody has claimed this control plane yet: run writ init.');

const expired = (): Refused<'trust_expired'> =>
  refused('trust_expired', 'The trust document has expired: sign a new version with writ trust.');

const forbidden = (): Refused<'forbidden'> =>
  refused('forbidden', 'What was authorised is another order than this one.');

/** Whether a caller may have something done that its order does not name. */
const covers =
  (grant: Grant) =>
  (action: string, target: string): boolean =>
    grant.principal.kind === 'operator' ||
    ((grant.principal.kind === 'token' || grant.principal.kind === 'key') &&
      grant.principal.scope.includes(`${action}@${target}`));

/** The command line that does what the controller alone may not. */
const commandLineOf = (order: Order): string =>
  'runbook' in order
    ? `writ run ${order.runbook}`
    : order.action === commandActionType
      ? `writ run ${order.target}`
      : `writ ${order.action.slice(order.action.indexOf('.') + 1)} ${order.target}`;

function planFor(
  scene: Scene,
  grant: Grant,
  order: Order,
  sleep: boolean,
  signers: readonly string[],
): Answer<Planned, PlanReason> {
  const { trust, runbooks, world } = scene;
  return plan({
    order,
    sleep,
    house: trust.document.house,
    runbooks,
    world,
    covers: covers(grant),
    granted: (action, target) => signers.some((signer) => findGrant(trust, signer, action, target) !== null),
    admitted: (relay) => relayKid(trust, relay) !== undefined,
  });
}

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
    const planned = planFor(scene, grant, wanted, options.sleep === true, [controllerName]);
    if (!planned.ok) return planned;
    const written = await writeIntent(deps, trust.document.home, planned.value.steps, now);
    const controller = nameOfKey(trust, key.kid) === controllerName;
    if (!controller || !evaluateIntent(trust, controllerName, written.intent).ok) {
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
    });
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
      const signers = principal.kind === 'key' ? [principal.name] : [controllerName, operatorName];
      const planned = planFor(scene, grant, wanted, options.sleep === true, signers);
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
        state !== undefined ? [state] : running === true ? ['running'] : null;
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
        const isRunning = (await store.commands.stateOf(id)) === 'running';
        const left = until - clock.now();
        if (!isRunning || left <= 0) return view(id);
        if ((await doorbell.wait(ticket, left, signal)) !== 'rung') return view(id);
      }
    },
  };
}

/** Judges bytes that somebody signed: who, whether that one may, and whether they are a plan of the order. */
async function judgeIntent(
  scene: Scene,
  request: SubmitRequest,
): Promise<Answer<{ intent: Intent; digest: string; signer: string }, SubmitReason>> {
  const { trust, now, runbooks } = scene;
  const bytes = decodeBase64url(request.intent);
  if (!bytes.ok || bytes.value.length > maxIntentBytes) {
    return refused('intent_malformed', 'The intent is not canonical base64url, or is too long.');
  }
  const digest = await digestOf('intent', bytes.value);
  const authorisation = await verifyJws('intent', request.authorisation, {
    maxBytes: maxAuthorisationBytes,
    findKey: keyOf(trust, 'key'),
    schema: authorisationSchema,
  });
  if (!authorisation.ok) {
    return refused('authorisation_invalid', 'The signature is not by a key that the trust document names.');
  }
  const said = authorisation.value.payload;
  if (said.home !== trust.document.home) return refused('home_wrong', 'It was signed for another home.');
  if (said.digest !== digest) {
    return refused('authorisation_of_another_intent', 'The signature is of other bytes than these.');
  }
  const parsed = parseIntent(bytes.value);
  if (!parsed.ok) return refused('intent_malformed', parsed.detail ?? 'The intent is malformed.');
  const intent = parsed.value;
  if (intent.home !== trust.document.home) return refused('home_wrong', 'The intent is of another home.');
  if (intent.expires <= now) return refused('intent_expired', 'The intent has expired: plan and sign anew.');
  if (intent.issued_at > now + clockSkewMs) {
    return refused(
      'intent_from_the_future',
      "The intent was issued in the future: check this computer's clock.",
    );
  }
  const signer = nameOfKey(trust, authorisation.value.key.kid)!;
  const allowed = evaluateIntent(trust, signer, intent);
  if (!allowed.ok) return refused(allowed.reason, `It is not allowed: ${allowed.detail ?? allowed.reason}.`);
  const stranger = intent.steps.find((step) => relayKid(trust, step.relay) === undefined);
  if (stranger !== undefined) {
    return refused('relay_not_admitted', `No relay is admitted on ${stranger.relay} yet.`);
  }
  const items = itemsOf(request.order, runbooks);
  if (!items.ok) return items;
  if (!isPlanOf(intent.steps, items.value)) {
    return refused('intent_not_of_order', 'The signed steps are not a plan of the order beside them.');
  }
  return { ok: true, value: { intent, digest, signer } };
}
