import { randomBytes } from 'node:crypto';
import { actionOf } from '../schema/actions/index.ts';
import { releaseHeal } from '../schema/actions/release-heal.ts';
import { encodeBase64url } from '../schema/jose/base64url.ts';
import { fingerprint } from '../schema/jose/keys.ts';
import { ok, type Result, refuse } from '../schema/result.ts';
import { programVersion } from '../schema/version.ts';
import { heartbeatLimitMs, pollWaitMs } from '../schema/wire/limits.ts';
import { releaseAction } from '../schema/wire/release-order.ts';
import type { ActionPorts } from './actions/action.ts';
import { relayActions } from './actions/index.ts';
import { awaitAdmission } from './agent/admission.ts';
import { createAlarm } from './agent/alarm.ts';
import { createAlarmPath } from './agent/alarm-path.ts';
import { askOrigin } from './agent/ask-origin.ts';
import { createBlobs } from './agent/blobs.ts';
import { type Certificates, openCertificates } from './agent/certificates.ts';
import { type Clock, hostClock } from './agent/clock.ts';
import { type ConfigRefusal, readConfig } from './agent/config.ts';
import { createPathWatch } from './agent/confirm.ts';
import { createEvidence } from './agent/evidence.ts';
import { createExecutor } from './agent/executor.ts';
import { createGithubTokens } from './agent/github-tokens.ts';
import { createHeartbeatWatch } from './agent/heartbeat.ts';
import { createLeafKeeper } from './agent/leaf-keeper.ts';
import { createLink } from './agent/link.ts';
import { nodeDisk } from './agent/node-disk.ts';
import { createNotary } from './agent/notary.ts';
import { runPollLoop } from './agent/poll-loop.ts';
import { openProxmox, type ProxmoxPortRefusal } from './agent/proxmox-port.ts';
import { createReceiptPost } from './agent/receipt-post.ts';
import { createReporter, type Reporter } from './agent/report.ts';
import { mayStand } from './agent/standing.ts';
import { openState, type RelayState, type StateRefusal } from './agent/state-files.ts';
import { lockState } from './agent/state-lock.ts';
import { createTargetWatch } from './agent/target-watch.ts';
import { createTrustAfter } from './agent/trust-after.ts';
import { createTrustFetch } from './agent/trust-fetch.ts';
import { judgeAgain, judgeJob, verifyEnvelope } from './agent/verify-job.ts';
import { runWitness } from './agent/witness.ts';
import { createActClient } from './drivers/act-client.ts';
import type { Proxmox } from './drivers/proxmox.ts';
import { createWakeOnLan } from './drivers/wake-on-lan.ts';
import { createLog, type Log, type LogEntry } from './log.ts';
import { createRemoteMachine } from './machine/remote-machine.ts';
import type { RelayOverrides } from './overrides.ts';

export type RelayOptions = {
  readonly stateDir: string;
  readonly overrides?: RelayOverrides;
  /** Given each event as it happens. */
  readonly log?: (entry: LogEntry) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

/** Why a relay does not start: it polls nobody and runs nothing. */
export type StartRefusal =
  | 'state_in_use'
  | 'state_unreadable'
  | 'boot_id_unreadable'
  | 'config_foreign'
  | ConfigRefusal
  | StateRefusal
  | ProxmoxPortRefusal;

export type RunningRelay = {
  readonly home: string;
  readonly relay: string;
  readonly kid: string;
  readonly fingerprint: string;
  /** The latest events, the newest last; at most a thousand. */
  readonly events: readonly LogEntry[];
  /** Whether trust names this relay's key. */
  admitted(): boolean;
  trustVersion(): number;
  /** Resolves once no step is at work. */
  idle(): Promise<void>;
  /** Ends polling, and leaves steps at work journalled: the next start observes what came of them. */
  stop(): Promise<void>;
};

const keptEvents = 1_000;

/** Starts a relay from what enrolment has made. Refuses, and leaves nothing running, unless all of it is right. */
export async function startRelay(options: RelayOptions): Promise<Result<RunningRelay, StartRefusal>> {
  const held = await lockState(options.stateDir);
  if (!held.ok) return held;
  const disk = nodeDisk(options.stateDir);
  const undo: (() => Promise<unknown> | unknown)[] = [() => held.value.release(), () => disk.close()];
  const giveUp = async <R extends StartRefusal>(refusal: { ok: false; reason: R; detail?: string }) => {
    for (const step of undo.reverse()) await step();
    return refusal;
  };

  const config = await readConfig(disk);
  if (!config.ok && config.reason !== 'config_missing') return giveUp(config);
  const overrides = options.overrides ?? {};
  const env = options.env ?? process.env;
  const clock = overrides.clock ?? hostClock(config.ok && config.value.trial, env);
  if (clock === null) return giveUp(refuse('boot_id_unreadable'));

  const events: LogEntry[] = [];
  const log = createLog({
    now: () => clock.now(),
    write(entry) {
      events.push(entry);
      if (events.length > keptEvents) events.shift();
      options.log?.(entry);
    },
  });

  const state = await openState({ disk, clock, log });
  if (!state.ok) return giveUp(state);
  undo.push(() => state.value.journal.close());
  if (!config.ok) return giveUp(config);
  if (config.value.home !== state.value.home || config.value.relay !== state.value.relay) {
    return giveUp(refuse('config_foreign', 'the configuration is of another relay than the journal'));
  }

  let proxmox: Proxmox | null = overrides.proxmox ?? null;
  if (overrides.proxmox === undefined && config.value.proxmox !== null) {
    const timing = overrides.proxmoxPollMs === undefined ? {} : { pollMs: overrides.proxmoxPollMs };
    const opened = await openProxmox(config.value.proxmox, env.CREDENTIALS_DIRECTORY, timing);
    if (!opened.ok) return giveUp(opened);
    proxmox = opened.value.proxmox;
    undo.push(() => opened.value.close());
  }
  const ca = await openCertificates({ disk, clock, log });
  return ok(run(state.value, { clock, log, events, proxmox, ca, overrides, undo }));
}

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: readonly LogEntry[];
  readonly proxmox: Proxmox | null;
  readonly ca: Certificates;
  readonly overrides: RelayOverrides;
  readonly undo: (() => Promise<unknown> | unknown)[];
};

function run(state: RelayState, parts: Parts): RunningRelay {
  const { clock, log, proxmox, overrides } = parts;
  const { home, relay, key, trust } = state;
  const random = overrides.random ?? Math.random;
  const nonce = (): string => encodeBase64url(randomBytes(16));
  const session = nonce();
  const stop = new AbortController();

  const link = createLink({
    home,
    key,
    origins: () => trust.current().document.origins,
    clock,
    nonce,
    log,
  });
  const path = createAlarmPath({ home, relay, trust: () => trust.current().document, log });
  const alarm = createAlarm({
    ...{ relay, path, clock, random, log },
    ...(overrides.alarmRepeatMs !== undefined && { repeatMs: overrides.alarmRepeatMs }),
  });
  const trustFetch = createTrustFetch({
    trust,
    link,
    clock,
    random,
    log,
    alarm,
    ...(overrides.trustIntervalMs !== undefined && { intervalMs: overrides.trustIntervalMs }),
    ...(overrides.unheardPauseMs !== undefined && { unheardPauseMs: overrides.unheardPauseMs }),
  });
  const evidence = createEvidence({ home, trust, clock, log });
  let reporter: Reporter | null = null;
  const hold = (target: string) => executor.hold(releaseAction, target);
  const leaves = createLeafKeeper({ ...parts.ca, clock, log, hold });
  const ports: ActionPorts = {
    proxmox,
    wake: overrides.wake ?? createWakeOnLan(),
    clock,
    evidenceOf: evidence.of,
    blob: createBlobs({ link, clock }).get,
    watchPath: createPathWatch({
      origins: () => trust.current().document.origins,
      clock,
      ask: askOrigin,
      ...(overrides.confirmMs !== undefined && { patienceMs: overrides.confirmMs }),
    }),
    machineOf: overrides.machineOf ?? ((name, guest, px) => createRemoteMachine(name, px.agentExec(guest))),
    helper: overrides.helper ?? createActClient({ trustAfter: createTrustAfter({ trust, link }) }),
    leaves: leaves.port,
  };
  // The helper hears of newer trust with what it is asked, and the next release may be far.
  trust.onChange(() => void ports.helper.look(relay, stop.signal));
  const github = createGithubTokens({ clock, log });
  const executor = createExecutor({
    state,
    github,
    session,
    clock,
    log,
    actions: relayActions,
    ports,
    judge: { verifyEnvelope, judgeJob, judgeAgain },
    beforePowerOff: async () => reporter?.sendLast(),
    maxUnconfirmed: overrides.maxUnconfirmed,
  });
  const watchOfTargets = createTargetWatch({
    relay,
    trust,
    ports,
    clock,
    log,
    hold,
    leaves,
    heal: (target, part) => {
      if (mayStand(trust.current(), releaseHeal.type, target)) {
        void executor.stand({ action: releaseHeal.type, target, params: { part } }, nonce());
      }
    },
    onChange: () => reporter?.changed(),
    ...(overrides.targetIntervalMs !== undefined && { intervalMs: overrides.targetIntervalMs }),
  });
  reporter = createReporter({
    home,
    relay,
    key,
    version: programVersion,
    trust,
    clock,
    proxmox,
    link,
    log,
    random,
    progress: () => executor.running(),
    targets: () => watchOfTargets.reports(),
    recipients: () => watchOfTargets.recipients(),
    authority: () => parts.ca.authority.tellKey(trust.current().document, relay),
    refused: () => executor.refused(),
    reportSeq: () => executor.reportSeq(),
    ...(overrides.lookIdleMs !== undefined && { lookIdleMs: overrides.lookIdleMs }),
    ...(overrides.lookBusyMs !== undefined && { lookBusyMs: overrides.lookBusyMs }),
  });
  const notary = createNotary({
    ...{ home, relay, key, trust, link, clock, log },
    nextSeq: () => executor.reportSeq(),
  });
  const receipts = createReceiptPost({ executor, link, clock, log, random });
  const watch = createHeartbeatWatch({
    relay,
    clock,
    alarm,
    limitMs: overrides.heartbeatLimitMs ?? heartbeatLimitMs,
  });
  executor.onReceipt((_, isFinal) => receipts.ring(isFinal ? 'now' : 'soon'));
  executor.onProgress(() => reporter.changed());
  executor.onEnd(
    ({ action, target }) => actionOf(action)?.on === 'target' && watchOfTargets.lookSoon(target),
  );
  trust.onChange(() => reporter.changed());

  const admitted = (): boolean => trust.current().identities.get(key.kid)?.name === relay;
  log.info('started', {
    relay,
    home,
    version: programVersion,
    trust_version: trust.current().document.version,
    admitted: admitted(),
    proxmox: proxmox !== null,
  });
  const isProxmox = trust.current().document.house.hosts[relay]?.proxmox === true;
  if (proxmox === null && isProxmox) log.warn('proxmox_not_configured', { relay });

  // Their locks are held from here on, so that nothing new overtakes what a crash left open.
  const recovered = executor.recover();
  const work = async (): Promise<void> => {
    const fetching = trustFetch.run(stop.signal);
    if (!admitted()) {
      log.info('waiting_for_admission', { fingerprint: fingerprint(key.kid) });
      await awaitAdmission({ admitted, trustFetch, clock, random }, overrides.admissionMs, stop.signal);
      if (!stop.signal.aborted) log.info('admitted', { trust_version: trust.current().document.version });
    }
    if (stop.signal.aborted) return fetching;
    const takeJobs = async (): Promise<void> => {
      await trustFetch.first;
      await runPollLoop(
        {
          relay,
          session,
          trust,
          link,
          executor,
          evidence,
          receipts,
          reporter,
          trustFetch,
          watch,
          alarm,
          notary,
          clock,
          random,
          log,
          waitMs: overrides.pollWaitMs ?? pollWaitMs,
        },
        stop.signal,
      );
    };
    await Promise.all([
      fetching,
      watch.run(stop.signal),
      runWitness({ home, relay, key, journal: state.journal, path, clock, random, log }, stop.signal),
      reporter.run(stop.signal),
      watchOfTargets.run(stop.signal),
      receipts.run(stop.signal),
      takeJobs(),
    ]);
  };
  const working = work();
  let stopping: Promise<void> | null = null;
  const stopNow = async (): Promise<void> => {
    stop.abort();
    await executor.close();
    await Promise.all([working, recovered]);
    link.close();
    trustFetch.close();
    alarm.close();
    github.close();
    for (const step of parts.undo.reverse()) await step();
    log.info('stopped', { relay });
  };
  return {
    home,
    relay,
    kid: key.kid,
    fingerprint: fingerprint(key.kid),
    events: parts.events,
    admitted,
    trustVersion: () => trust.current().document.version,
    idle: () => executor.idle(),
    stop: () => {
      stopping ??= stopNow();
      return stopping;
    },
  };
}
