import type { ActContext, Outcome } from '../../relay/actions/action.ts';
import { createExecutor } from '../../relay/agent/executor.ts';
import type { Executor, ExecutorDeps } from '../../relay/agent/executor-contract.ts';
import { createFirstSights } from '../../relay/agent/first-sights.ts';
import { openJournal } from '../../relay/agent/journal.ts';
import { createGithubKeys } from '../../schema/github/keys.ts';
import { looksLikeGithub } from '../../schema/github/token.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { ok, refuse } from '../../schema/result.ts';
import { fakeActions, noPorts, quietLog, readReceipt } from '../relay/agent/fixture.ts';
import { testNonce } from '../support/relay-home.ts';
import type { Scene } from './scene.ts';
import { jwksOf } from './tokens.ts';

/** What a relay knows of GitHub's tokens, with the issuers' keys out of the scene. */
function openGithub(scene: Scene): ExecutorDeps['github'] {
  const { clock } = scene;
  const met = createFirstSights({ clock });
  return {
    keys: createGithubKeys({
      uptimeMs: () => clock.uptimeMs(),
      warn: () => undefined,
      load: async (url) => (scene.issuersAreUp ? ok(jwksOf(url)) : refuse('github_keys_unreachable')),
    }),
    seenAt: (token) => met.at(token),
    async noteText(text) {
      if (looksLikeGithub(text)) await met.note([await digestBytes(toBytes(text))]);
    },
  };
}

/** A run of the relay: a real executor, whose deeds the oracle judges. */
export type RelayRun = {
  readonly executor: Executor;
  readonly session: string;
  readonly life: { alive: boolean; hanging: number };
  /** The highest number of a job that the controller gave out. */
  seq: number;
};

/** Starts the relay on the scene's disk, as after a crash. */
export async function startRun(scene: Scene): Promise<RelayRun> {
  const { world, clock, oracle, counts } = scene;
  const { disk } = scene;
  const log = quietLog();
  const opened = await openJournal({ disk, clock, log });
  if (!opened.ok) throw new Error(`the journal does not open: ${opened.detail}`);
  const session = testNonce();
  const begun: string[] = [];
  const life = { alive: true, hanging: 0 };

  const judgeDeed = (type: string, target: string, params: unknown): void => {
    const at = begun.findIndex((jws) => {
      const { action, target: on } = readReceipt(jws);
      return action === type && on === target;
    });
    if (at === -1) {
      scene.violation ??= `${type} on ${target} without a receipt that it started`;
      return;
    }
    const receipt = readReceipt(begun.splice(at, 1)[0]!);
    const moment = { law: scene.law, now: clock.now(), trueMs: scene.trueMs, synchronised: true };
    const complaint = oracle.judge(receipt, params, moment);
    if (complaint !== null) scene.violation ??= `${type} on ${target}: ${complaint}`;
    counts.executed += 1;
    if (complaint === null) {
      const { by, late } = oracle.deeds().at(-1)!;
      counts[({ controller: 'byController', operator: 'byOperator', workflow: 'byWorkflow' } as const)[by]] +=
        1;
      if (late) counts.attested += 1;
    }
    const paper = scene.papers.find(({ digest }) => digest === receipt.intent);
    if ((paper?.steps[receipt.step]?.after.length ?? 0) > 0) counts.after += 1;
    if (paper?.kind === 'release') counts.releases += 1;
  };

  const act = async (type: string, { target, params, signal }: ActContext): Promise<Outcome | undefined> => {
    if (!life.alive) return undefined;
    judgeDeed(type, target, params);
    if (scene.outcome === 'hang') {
      life.hanging += 1;
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          life.hanging -= 1;
          resolve({ state: 'unknown', code: 'told_to_end' });
        });
      });
    }
    return scene.outcome === 'fail' ? { state: 'failed', code: 'told_to' } : undefined;
  };

  const github = openGithub(scene);
  const executor = createExecutor({
    github,
    state: {
      home: world.home.id,
      relay: 'pve2',
      key: world.relayKeys.pve2,
      journal: opened.value,
      trust: {
        current: () => scene.trust,
        install: async () => ({ changed: false, refusal: null }),
        onChange: () => undefined,
      },
    },
    session,
    clock,
    log,
    actions: fakeActions([], { act }),
    ports: noPorts,
    judge: scene.judge,
    beforePowerOff: async () => undefined,
  });
  executor.onReceipt(({ jws }) => {
    if (!life.alive) return;
    scene.ownReceipts.push(jws);
    const receipt = readReceipt(jws);
    if (receipt.state === 'started') begun.push(jws);
    oracle.noteReceipt(receipt);
  });
  oracle.beginRun(session);
  if (disk.fault === null) await executor.recover();
  else void executor.recover();
  return { executor, session, life, seq: 0 };
}

export const sleepTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Until all that can end by itself has ended. */
export async function settleRun(scene: Scene, { executor, life }: RelayRun): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (scene.disk.fault === null && executor.running().length > life.hanging) {
    if (performance.now() > giveUpAt) throw new Error('steps do not end');
    await sleepTick();
  }
}
