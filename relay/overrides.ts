import type { ActionPorts } from './actions/action.ts';
import type { Clock } from './agent/clock.ts';
import type { Proxmox } from './drivers/proxmox.ts';
import type { WakeOnLan } from './drivers/wake-on-lan.ts';

/** What a simulated home and tests put in place of the machine's own. */
export type RelayOverrides = {
  readonly clock?: Clock;
  /** Null: no Proxmox, whatever the configuration says. */
  readonly proxmox?: Proxmox | null;
  readonly wake?: WakeOnLan;
  readonly machineOf?: ActionPorts['machineOf'];
  readonly helper?: ActionPorts['helper'];
  readonly random?: () => number;
  readonly heartbeatLimitMs?: number;
  readonly pollWaitMs?: number;
  /** How often guests are looked at while nothing happens, and while a step is at work. */
  readonly lookIdleMs?: number;
  readonly lookBusyMs?: number;
  /** How often targets of releases are looked at. */
  readonly targetIntervalMs?: number;
  /** How often a relay that waits for its admission asks for newer trust, at least. */
  readonly admissionMs?: number;
  readonly trustIntervalMs?: number;
  readonly unheardPauseMs?: number;
  readonly alarmRepeatMs?: number;
  readonly proxmoxPollMs?: number;
  /** How long an origin that a change has silenced is waited for. */
  readonly confirmMs?: number;
  /** How many receipts may wait for the API before nothing more begins. */
  readonly maxUnconfirmed?: number;
};
