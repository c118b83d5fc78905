import {
  type DeploymentView,
  deploymentViewSchema,
  type TargetState,
} from '../../../schema/api/deployments.ts';
import { statusSchema } from '../../../schema/api/house.ts';
import { encodeBase64url } from '../../../schema/jose/base64url.ts';
import type { Api } from '../api.ts';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { pause } from '../pause.ts';
import { hasEnded } from './outcome.ts';
import type { SignedOrder } from './sign-order.ts';
import { codeText } from './words.ts';

/** How long a control plane may be away while a deployment is followed. */
const patienceMs = 3 * 60_000;
const mostTries = 5;
/** An activation takes half an hour at most: whoever waits without any news for longer is told so. */
const newsWithinMs = 40 * 60_000;

/** What handing over and following take of a command's context. */
export type Follower = Pick<Context, 'progress' | 'now' | 'random' | 'signal'>;

export type Patience = {
  /** Whether what is under way is left to itself by now. */
  isLeft(view: DeploymentView): Promise<boolean>;
  /** How long the next request may wait for news, in whole seconds. */
  waitS(): number;
};

/** Hands a signed order over until an answer comes: the same key makes a repeat harmless. */
export async function submitOrder(
  context: Pick<Follower, 'progress' | 'random' | 'signal'>,
  { api }: { readonly api: Api },
  { bytes, digest, authorisation }: Pick<SignedOrder, 'bytes' | 'digest' | 'authorisation'>,
): Promise<{ ok: true; value: DeploymentView } | Failure> {
  const idempotencyKey = encodeBase64url(context.random(16));
  context.progress.say('Handing the order over');
  for (let attempt = 1; ; attempt += 1) {
    const answer = await api.call({
      method: 'POST',
      url: '/v1/releases',
      body: { order: encodeBase64url(bytes), authorisation },
      answer: deploymentViewSchema,
      idempotencyKey,
    });
    if (answer.ok) {
      if (answer.value.digest === digest) return answer;
      return fail(
        exits.refused,
        'answer_foreign',
        'The control plane answered with another deployment than the one that was signed. It was not believed. See: writ deployments',
      );
    }
    if (!answer.ambiguous || context.signal.aborted) return answer;
    if (attempt === mostTries) {
      const unknown = 'Whether the order was accepted is not known. See: writ deployments';
      return { ...answer, exit: exits.unconfirmed, detail: `${answer.detail}\n${unknown}` };
    }
    await pause(500 * attempt, context.signal);
  }
}

/** What each state is, behind a target's name. */
const stateWords: Readonly<Record<TargetState, string>> = {
  pending: 'waits for its relay',
  staged: 'has all bytes, and takes them',
  activated: 'runs it, and its health is waited for',
  healthy: 'is healthy',
  'rolled-back': 'runs what it ran before',
  failed: 'failed',
  superseded: 'gets a newer release instead',
};

/**
 * Follows a deployment until nothing of it is under way, or what is left waits for hosts that are off, which get it when
 * they come; or until there was no news of it for longer than an activation takes.
 *
 * @param patience of callers who cannot ask what sleeps: how long they wait for what is under way
 */
export async function followDeployment(
  context: Follower & { readonly terminal: Pick<Context['terminal'], 'watched'> },
  session: { readonly api: Api },
  first: DeploymentView,
  patience: Patience = {
    isLeft: (view) => isAsleep(session.api, view),
    // Somebody who watches sees each state as it comes; a script is answered once, at the end.
    waitS: () => (context.terminal.watched ? 1 : 50),
  },
): Promise<{ ok: true; value: DeploymentView } | Failure> {
  let view = first;
  let told = new Map<string, string>();
  let awaySince: number | null = null;
  let news = { states: '', at: context.now() };
  for (;;) {
    told = tellTargets(context, told, view);
    const states = view.targets.map(({ state }) => state).join();
    if (states !== news.states) news = { states, at: context.now() };
    const isOver = hasEnded(view) || context.now() - news.at > newsWithinMs;
    if (isOver || (await patience.isLeft(view))) return { ok: true, value: view };
    const waitS = patience.waitS();
    const answer = await session.api.call({
      method: 'GET',
      url: `/v1/deployments/${view.id}?wait=${waitS}`,
      answer: deploymentViewSchema,
      timeoutMs: (waitS + 15) * 1000,
    });
    if (answer.ok) {
      if (answer.value.digest !== first.digest) {
        return fail(
          exits.refused,
          'answer_foreign',
          `The control plane tells of another order as ${view.id}. It was not believed.`,
        );
      }
      view = answer.value;
      awaySince = null;
      continue;
    }
    awaySince ??= context.now();
    if (answer.exit === exits.refused || context.signal.aborted || context.now() - awaySince > patienceMs) {
      const goesOn = `${view.id} was accepted and goes on; its outcome is not known here. See: writ deployments ${view.id}`;
      return { ...answer, detail: `${answer.detail}\n${goesOn}` };
    }
    await pause(1_000, context.signal);
  }
}

/** Whether all that is under way waits for hosts whose relays are not there, or for guests that are off. */
async function isAsleep(api: Api, { targets }: DeploymentView): Promise<boolean> {
  const open = targets.filter(
    ({ state }) => state === 'pending' || state === 'staged' || state === 'activated',
  );
  if (open.some(({ state }) => state !== 'pending')) return false;
  const status = await api.call({ method: 'GET', url: '/v1/status', answer: statusSchema });
  if (!status.ok) return false;
  const { hosts, guests } = status.value;
  const awake = new Set(
    hosts.filter(({ state }) => state === 'awake' || state === 'powering_off').map(({ name }) => name),
  );
  const off = new Set(
    guests.filter(({ state }) => state === 'stopped' || state === 'paused').map(({ name }) => name),
  );
  return open.every(({ relay, target }) => !awake.has(relay) || off.has(target));
}

function tellTargets(
  context: Pick<Follower, 'progress'>,
  told: ReadonlyMap<string, string>,
  { targets }: DeploymentView,
): Map<string, string> {
  const now = new Map<string, string>();
  for (const { target, state, code } of targets) {
    const text = `${stateWords[state]}${code === null ? '' : `: ${codeText(code)}`}`;
    now.set(target, text);
    if (told.get(target) !== text && (state !== 'pending' || told.size > 0))
      context.progress.note(`${target} ${text}`);
  }
  const open = targets.filter(({ state }) => ['pending', 'staged', 'activated'].includes(state));
  context.progress.say(open.map(({ target, state }) => `${target} ${state}`).join(', ') || 'Waiting');
  return now;
}
