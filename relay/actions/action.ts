import type { Result } from '../../schema/result.ts';
import type { House, TrustGuest, TrustHost } from '../../schema/trust/document.ts';
import type { Progress, Report } from '../../schema/wire/report.ts';
import type { LeafPort } from '../deploy/leaves/leaf-port.ts';
import type { ActClient, ActOrder } from '../drivers/act-client.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import type { GuestRef } from '../drivers/proxmox-guests.ts';
import type { WakeOnLan } from '../drivers/wake-on-lan.ts';
import type { WatchPath } from '../drivers/watch-path.ts';
import type { Machine } from '../machine/machine.ts';

/**
 * The contract between the executor and the file of each action. The executor has verified, authorised and
 * locked before any of these is called; an action never looks at signatures, grants or limits.
 */
export type RelayAction = {
  /**
   * Reasons not to begin, looked at while the step holds its locks and before anything is journalled:
   * `in_use`, `exclusive_busy`, `guest_mismatch`, `guest_not_adopted`, … A refusal becomes a `refused` receipt
   * with that code and ends the step. Must change nothing. What cannot be found out is a refusal too, with the
   * driver's reason as code. What is already as wanted is not refused: `act` says so.
   */
  precheck?(ctx: CheckContext): Promise<Result<true, string>>;
  /** How long that may take; by default half a minute. */
  readonly precheckMs?: number;
  /**
   * Does it, and looks at the outcome. Called once in the life of a step, after the step was journalled. May
   * throw only for bugs: that ends as `unknown`. When `signal` is aborted it ends soon, with what is true then.
   */
  act(ctx: ActContext): Promise<Outcome>;
  /**
   * After the relay died while the step ran: says what is true now, and changes nothing; but what was left half done
   * and can be undone is undone first. `unknown` with code `interrupted` when that cannot be told. Must not end in
   * `pending_boot`.
   */
  observe(ctx: ObserveContext): Promise<Outcome>;
  /** How long that may take, where looking is not all; by default two minutes. */
  readonly observeMs?: number;
};

export type FlatResult = Readonly<Record<string, string | number | boolean | null>>;

/** What came of a step. Codes are stable snake_case; `detail` is for this host's log and never leaves it. */
export type Outcome =
  /** `result` is of the shape that the action's card in schema/actions says. */
  | { readonly state: 'succeeded'; readonly result: FlatResult }
  /**
   * `excerpt`: what programs of a target said, encrypted to trust's recipients. `exit`: with what a command of an app
   * ended. These leave this host, `detail` does not.
   */
  | {
      readonly state: 'failed' | 'unknown';
      readonly code: string;
      readonly detail?: string;
      readonly excerpt?: string;
      readonly exit?: number;
    }
  /** The host goes down now; `observe` tells the end after the next boot. Only after `announcePowerOff`. */
  | { readonly state: 'pending_boot' };

/** Time as actions use it. */
export type ActionClock = {
  /** Unix milliseconds of the wall clock. */
  now(): number;
  /** Milliseconds since this host booted; never goes back while it runs. */
  uptimeMs(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
};

export type ActionPorts = {
  /** This host's own Proxmox; null where it has none. */
  readonly proxmox: Proxmox | null;
  readonly wake: WakeOnLan;
  readonly clock: ActionClock;
  /**
   * Waits for a report that the relay of `host` signed at `sinceMs` (wall clock) or later and that verified
   * against trust. Null when `signal` is aborted first. Never rejects.
   */
  evidenceOf(host: string, sinceMs: number, signal: AbortSignal): Promise<Report | null>;
  /** Bytes of a release by their digest, with which they were compared. Refusals are codes. Never rejects. */
  blob(digest: string, signal: AbortSignal): Promise<Result<Uint8Array<ArrayBuffer>, string>>;
  /** The machine of a running QEMU guest, through its agent. Whether it is the right guest is looked at before. */
  machineOf(name: string, guest: GuestRef, proxmox: Proxmox): Machine;
  /** Tells whether a change cut this host off from the control plane. */
  readonly watchPath: WatchPath;
  /** The helper that does what needs root on this host. */
  readonly helper: ActClient;
  /** Makes certificates of the private CA on targets. */
  readonly leaves: LeafPort;
};

export type CheckContext = {
  /** The name of this relay, which is the host's. */
  readonly relay: string;
  /** The facts of the trust document, never of the controller. */
  readonly house: House;
  readonly target: string;
  /** Of the shape that the action's card says; to be parsed with its schema for types and defaults. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Patterns of what a release may touch on the target, by the grant of who ordered it; none for all else. */
  readonly paths: readonly string[];
  /** Who may read what programs of a target say; nobody where trust names none. */
  readonly recipients: readonly string[];
  /** The guest or host that the target is, or is on; the other one is null. */
  readonly guest: TrustGuest | null;
  readonly host: TrustHost | null;
  readonly ports: ActionPorts;
  /** Aborted when the step must end: at its deadline, or when the relay stops. */
  readonly signal: AbortSignal;
};

export type ActContext = CheckContext & {
  /** Of a release: its order as it was signed, and its digest, for whoever judges it once more. Null of an intent. */
  readonly signed: (ActOrder & { readonly digest: string }) | null;
  /** Wall clock when the step was journalled. */
  readonly startedAt: number;
  /** Shows in reports and lets the API tell a host that goes down from one that went silent. */
  progress(phase: Progress['phase']): void;
  /**
   * To be awaited right before the host is told to power off or reboot: journals durably that it goes down in
   * this boot, then sends a last report with phase `powering_off` (bounded in time, and no matter if it gets
   * through). On a refusal the host must not be powered off.
   */
  announcePowerOff(): Promise<Result<true, 'journal_unwritable'>>;
};

export type ObserveContext = CheckContext & {
  /** Digest of the intent or the release's order that the step is of. */
  readonly ordered: string;
  /** Wall clock when the step was journalled. */
  readonly startedAt: number;
  /** The host's boot when the step began, and now. */
  readonly bootAtStart: string;
  readonly bootNow: string;
  /** Whether `announcePowerOff` was journalled. A host action succeeded when this holds and the boots differ. */
  readonly powerOffAnnounced: boolean;
};
