import type { ActContext, ActionPorts, CheckContext, Outcome } from '../../relay/actions/action.ts';
import { relayActions } from '../../relay/actions/index.ts';
import { createRemoteMachine } from '../../relay/machine/remote-machine.ts';
import type { ActionType } from '../../schema/actions/index.ts';
import type { House } from '../../schema/trust/document.ts';
import { machineOfTarget } from '../../schema/wire/ids.ts';
import type { Progress, Report } from '../../schema/wire/report.ts';
import { noHelper, noLeafPort, reached } from '../relay/agent/fixture.ts';
import type { FastTime, Tower } from './relay.ts';
import { testDigest, testHouse } from './relay-home.ts';

/** What an action did in a test, without a relay around it. */
export type Performed =
  | { readonly refused: string; readonly detail: string }
  | { readonly outcome: Outcome; readonly phases: readonly Progress['phase'][] };

export type Stage = {
  readonly time: FastTime;
  readonly tower: Tower | null;
  readonly house?: House;
  readonly wake?: ActionPorts['wake'];
  readonly evidence?: (host: string, sinceMs: number, signal: AbortSignal) => Promise<Report | null>;
  readonly announcePowerOff?: ActContext['announcePowerOff'];
  readonly signal?: AbortSignal;
  readonly relay?: string;
  readonly blob?: ActionPorts['blob'];
  readonly watchPath?: ActionPorts['watchPath'];
  readonly machineOf?: ActionPorts['machineOf'];
  readonly helper?: ActionPorts['helper'];
  readonly signed?: ActContext['signed'];
  readonly leaves?: ActionPorts['leaves'];
  /** What the grant of a release covers. */
  readonly paths?: readonly string[];
  readonly recipients?: readonly string[];
};

export function contextOf(
  stage: Stage,
  target: string,
  params: Readonly<Record<string, unknown>> = {},
): CheckContext {
  const house = stage.house ?? testHouse;
  const machine = machineOfTarget(target);
  return {
    relay: stage.relay ?? 'pve2',
    house,
    target,
    params,
    paths: stage.paths ?? [],
    recipients: stage.recipients ?? [],
    guest: house.guests[machine] ?? null,
    host: house.hosts[machine] ?? null,
    ports: {
      proxmox: stage.tower?.proxmox ?? null,
      wake: stage.wake ?? { send: async () => ({ ok: true, value: null }) },
      clock: stage.time.clock,
      evidenceOf: stage.evidence ?? (async () => null),
      blob: stage.blob ?? (async () => ({ ok: false, reason: 'blob_missing' })),
      watchPath: stage.watchPath ?? reached,
      machineOf:
        stage.machineOf ?? ((name, guest, proxmox) => createRemoteMachine(name, proxmox.agentExec(guest))),
      helper: stage.helper ?? noHelper,
      leaves: stage.leaves ?? noLeafPort,
    },
    signal: stage.signal ?? new AbortController().signal,
  };
}

/** Runs an action's precheck and, unless it refuses, the action. */
export async function perform(
  stage: Stage,
  type: ActionType,
  target: string,
  params: Readonly<Record<string, unknown>> = {},
): Promise<Performed> {
  const ctx = contextOf(stage, target, params);
  const action = relayActions[type];
  const checked = await action.precheck?.(ctx);
  if (checked !== undefined && !checked.ok) return { refused: checked.reason, detail: checked.detail ?? '' };
  const phases: Progress['phase'][] = [];
  const outcome = await action.act({
    ...ctx,
    signed: stage.signed ?? null,
    startedAt: ctx.ports.clock.now(),
    progress: (phase) => phases.push(phase),
    announcePowerOff: stage.announcePowerOff ?? (async () => ({ ok: true, value: true })),
  });
  return { outcome, phases };
}

/** What `observe` says after the relay died during a step that began `agoMs` ago. */
export function observeAfter(
  stage: Stage,
  type: ActionType,
  target: string,
  crash: {
    readonly agoMs?: number;
    readonly rebooted?: boolean;
    readonly powerOffAnnounced?: boolean;
    readonly ordered?: string;
    readonly params?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<Outcome> {
  const ctx = contextOf(stage, target, crash.params);
  return relayActions[type].observe({
    ...ctx,
    ordered: crash.ordered ?? testDigest('f'),
    startedAt: ctx.ports.clock.now() - (crash.agoMs ?? 1_000),
    bootAtStart: 'boot-1',
    bootNow: crash.rebooted ? 'boot-2' : 'boot-1',
    powerOffAnnounced: crash.powerOffAnnounced ?? false,
  });
}
