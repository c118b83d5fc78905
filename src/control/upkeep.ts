import { targetStates } from '../../schema/api/deployments.ts';
import { commandStates } from '../../schema/api/orders.ts';
import { own } from '../../schema/wire/record.ts';
import { applyWaitingOver } from '../domain/approval.ts';
import { applyExpiry, applySilence } from '../domain/settle.ts';
import { hostState, relayKid } from '../domain/world.ts';
import type { AuditLog } from './audit-log.ts';
import { changeCommand } from './changes.ts';
import type { Metrics, UpkeepControl } from './control.ts';
import { endLapsed, lapseMs, reviewDeployments } from './deployment-changes.ts';
import { bells, type ControlDeps } from './deps.ts';
import type { Polls } from './relay-poll.ts';
import { measureTargets } from './targets.ts';
import { reviewCommands } from './trust.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/** How long an idempotency key is remembered. */
const idempotencyMs = 24 * 60 * 60_000;
/** How many deployments are remembered, beside those that say what a target is or should be. */
const keptDeployments = 50;
/** How long a blob is kept that nothing names. */
const looseBlobMs = 24 * 60 * 60_000;
/** How often at most it is looked for what may be forgotten. */
const forgetEveryMs = 10 * 60_000;
/** Setting a timer for longer than this is of no use: what is old is forgotten at least this often. */
const longestSleepMs = 60 * 60_000;
/** After a sweep that failed, or that left something due. */
const retryMs = 5_000;
/** Each change of a command may bring something to be due earlier. One look serves all within this time. */
const gatherMs = 250;

const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

export function createUpkeep(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  polls: Polls,
): UpkeepControl {
  const { store, clock, doorbell } = deps;
  let forgotAt = Number.NEGATIVE_INFINITY;

  const sweep: UpkeepControl['sweep'] = async () => {
    const trust = await keeper.current();
    const home = trust?.document.home;
    const passed = new Set<string>();
    if (trust !== null && home !== undefined) {
      const heard = async (): Promise<(relay: string) => number | null> => {
        const relays = (await store.relays.all()).filter(
          (relay) => relayKid(trust, relay.name) === relay.kid,
        );
        return (name) => {
          const relay = relays.find((one) => one.name === name);
          return relay === undefined ? null : Math.max(relay.lastSeen ?? 0, relay.reportAt ?? 0);
        };
      };
      for (;;) {
        const overdue = (await store.commands.overdue(clock.now())).filter((id) => !passed.has(id));
        if (overdue.length === 0) break;
        for (const id of overdue) {
          passed.add(id);
          const load = () => store.commands.load(id);
          const lastHeard = await heard();
          await changeCommand(
            deps,
            log,
            home,
            load,
            (command) =>
              applyWaitingOver(command, clock.now()) ??
              applyExpiry(command, clock.now()) ??
              applySilence(command, lastHeard, clock.now()),
          );
        }
      }
    }
    await endLapsed(deps, log);
    const now = clock.now();
    if (now - forgotAt >= forgetEveryMs) {
      forgotAt = now;
      await store.nonces.forget(now);
      await store.commands.forgetIdempotency(now - idempotencyMs);
      await store.deployments.forget(keptDeployments);
      await store.blobs.forget(now - looseBlobMs);
    }
    const lapse = await store.deployments.nextLapse();
    const due = earlier(await store.commands.nextDue(), lapse === null ? null : lapse + lapseMs);
    // What is due and was left as it is will not be otherwise a moment later.
    return due !== null && due <= now ? now + retryMs : due;
  };

  const run: UpkeepControl['run'] = async (signal) => {
    let started = false;
    while (!signal.aborted) {
      const ticket = await doorbell.ticket(bells.timer);
      let sleepMs = longestSleepMs;
      try {
        if (!started) {
          // Newer trust may have come into force right before this process started.
          const trust = await keeper.current();
          if (trust !== null) {
            await reviewCommands(deps, log, trust);
            await reviewDeployments(deps, log, trust);
          }
          await log.seal();
          started = true;
        }
        const due = await sweep();
        if (due !== null) sleepMs = Math.min(Math.max(due - clock.now(), 1), longestSleepMs);
      } catch (error) {
        deps.log('error', 'sweep.failed', { cause: String(error) });
        sleepMs = retryMs;
      }
      if ((await doorbell.wait(ticket, sleepMs, signal)) === 'rung') {
        await doorbell.wait(await doorbell.ticket(bells.nobody), gatherMs, signal);
      }
    }
  };

  const metrics = async (): Promise<Metrics> => {
    const now = clock.now();
    const [trust, counts, queue, relays, auditSeq, tokens, parts, targets] = await Promise.all([
      keeper.current(),
      store.commands.countByState(),
      store.commands.queue(),
      store.relays.all(),
      store.audit.last(),
      store.tokens.all(),
      store.deployments.countByState(),
      measureTargets(deps, keeper),
    ]);
    const commands = Object.fromEntries(commandStates.map((state) => [state, counts.get(state) ?? 0]));
    const admitted = relays.filter((relay) => trust !== null && relayKid(trust, relay.name) === relay.kid);
    const house = trust?.document.house;
    const ofHost = (host: string) => admitted.find(({ name }) => name === host);
    const hosts = Object.keys(house?.hosts ?? {}).map((host) => ({
      host,
      state: hostState(ofHost(host), now).state,
    }));
    return {
      hosts,
      guests: Object.entries(house?.guests ?? {}).flatMap(([guest, { host }]) => {
        const seen = hosts.some((one) => one.host === host && one.state === 'awake');
        const state = seen && own(ofHost(host)?.report?.guests ?? {}, guest)?.state;
        return state ? [{ guest, host, state }] : [];
      }),
      commands: commands as Metrics['commands'],
      queued: queue.count,
      oldestQueuedMs: queue.oldestAt === null ? null : now - queue.oldestAt,
      running: counts.get('running') ?? 0,
      parkedPolls: polls.parked(),
      deploymentTargets: Object.fromEntries(
        targetStates.map((state) => [state, parts.get(state) ?? 0]),
      ) as Metrics['deploymentTargets'],
      targets,
      relays: admitted.map((relay) => ({
        name: relay.name,
        lastSeenMs: relay.lastSeen === null ? null : now - relay.lastSeen,
        receiptsSeq: relay.receipts.seq,
        trustVersion: relay.trustVersion,
        refusedJobs: relay.report?.refused.count ?? 0,
      })),
      auditSeq,
      trustVersion: trust?.document.version ?? null,
      trustLeftMs: trust === null ? null : Date.parse(trust.document.expires) - now,
      tokens: tokens.filter((token) => token.revokedAt === null && token.expiresAt > now).length,
    };
  };

  return {
    metrics,
    sweep,
    run,
    rememberProofNonce: (kid, nonce, expires) => store.nonces.remember(kid, nonce, expires),
    healthy: async () => {
      try {
        await store.audit.last();
        return true;
      } catch (error) {
        deps.log('error', 'store.failed', { cause: String(error) });
        return false;
      }
    },
  };
}
