import { ok, type Result } from '../../schema/result.ts';
import { releasableTargets } from '../../schema/trust/evaluate.ts';
import type { CertificateReport, TargetReport } from '../../schema/wire/report.ts';
import type { ActionPorts } from '../actions/action.ts';
import { lookByHelper, needsHelper } from '../actions/by-helper.ts';
import { openTarget } from '../actions/open-target.ts';
import { codeOfReason } from '../actions/release-code.ts';
import { revertPending } from '../deploy/activate.ts';
import { makeIdentity } from '../deploy/identity.ts';
import { createTargetLook } from '../deploy/look-target.ts';
import { readTargetState } from '../deploy/target-state.ts';
import type { Log } from '../log.ts';
import type { Machine } from '../machine/machine.ts';
import { contextOf } from './check-context.ts';
import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import { createDoorbell } from './doorbell.ts';
import type { LeafKeeper } from './leaf-keeper.ts';
import type { TrustStore } from './trust-store.ts';

/** Looks at the targets of this relay that trust lets somebody release to, and undoes what was left half done there. */
export type TargetWatch = {
  /** Looks at each at once, and then four times an hour. Until the signal is aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Something happened on a target: it is looked at now. */
  lookSoon(target: string): void;
  /** What was seen last, for reports. */
  reports(): Readonly<Record<string, TargetReport>>;
  /** To whom secrets of each target are encrypted, as far as it has made its identity. */
  recipients(): Readonly<Record<string, string>>;
};

export type TargetWatchDeps = {
  readonly relay: string;
  readonly trust: Pick<TrustStore, 'current' | 'onChange'>;
  readonly ports: ActionPorts;
  readonly clock: Pick<Clock, 'now' | 'uptimeMs' | 'sleep'>;
  readonly log: Log;
  /** Keeps steps off a target until the answer is called; null while one is at work there. */
  hold(target: string): (() => void) | null;
  /** Sees to the certificates of a target on which a part is in force. */
  readonly leaves: Pick<LeafKeeper, 'tend'>;
  /** Puts back what was changed by hand, where trust lets this relay do so by itself. Called without waiting. */
  heal(target: string, part: string): void;
  /** What is in reports has changed. */
  onChange(): void;
  readonly intervalMs?: number;
};

type TargetLook = ReturnType<typeof createTargetLook>;

const defaultIntervalMs = 15 * 60_000;
/** A guest that is off or does not answer may come any moment. */
const soonAgainMs = 60_000;
const mayCome: ReadonlySet<string> = new Set([
  ...['guest_not_running', 'guest_paused', 'agent_silent'],
  ...['proxmox_unreachable', 'proxmox_timeout', 'target_unreachable', 'target_timeout'],
  ...['act_missing', 'act_gone', 'act_interrupted'],
]);
const lookMs = 120_000;
/** Putting back starts services that ran. */
const revertMs = 15 * 60_000;
/** Differences that all targets of a report tell one by one: with long names, it still has to fit. */
const toldDrift = 200;

/** The same of certificates. */
const toldCertificates = 160;

const unseen: TargetReport = { part: null, seen: 'target_not_seen', seen_at: 0, drifted: 0, drift: [] };

export function createTargetWatch(deps: TargetWatchDeps): TargetWatch {
  const { clock, log, trust, relay, ports } = deps;
  const intervalMs = deps.intervalMs ?? defaultIntervalMs;
  const seen = new Map<string, TargetReport>();
  /** When each is looked at next, by the host's uptime. */
  const due = new Map<string, number>();
  const recipients = new Map<string, string>();
  const lookers = new Map<string, { readonly vmid: number; readonly look: TargetLook }>();
  const bell = createDoorbell(clock);
  trust.onChange(() => bell.ring());

  const targets = (): string[] => releasableTargets(trust.current().document, relay);

  const look = async (target: string, signal: AbortSignal): Promise<Result<TargetReport, string>> => {
    const { house } = trust.current().document;
    const ctx = contextOf({ relay, house, target, ports, signal });
    // The helper as root settles by itself what was left half done.
    if (needsHelper(ctx)) {
      const seen = await lookByHelper(ctx);
      if (!seen.ok) return seen;
      if (seen.value.recipient !== undefined) remember(target, seen.value.recipient);
      return ok(seen.value.report);
    }
    const machine = await openTarget(ctx);
    if (!machine.ok) return machine;
    const lookAgain = lookerOf(target, ctx.guest!.vmid, machine.value);
    let sight = await lookAgain();
    if (sight.ok && sight.value.pending) {
      await putBack(target, machine.value);
      sight = await lookAgain();
      if (sight.ok && sight.value.pending) due.set(target, clock.uptimeMs() + soonAgainMs);
    }
    if (!sight.ok) return { ...sight, reason: codeOfReason(sight.reason) };
    const { part, drifted, drift } = sight.value;
    const seenAt = clock.now();
    if (part === null) return ok({ part, seen: 'ok', seen_at: seenAt, drifted, drift: [...drift] });
    await identify(target, machine.value);
    if (!sight.value.pending && drift.some(({ kind }) => kind === 'file')) deps.heal(target, part);
    const certificates = sight.value.pending ? [] : await deps.leaves.tend(machine.value, part);
    return ok({
      ...{ part, seen: 'ok', seen_at: seenAt, drifted, drift: [...drift] },
      ...(certificates.length > 0 && { certificates: [...certificates] }),
    });
  };

  /** A target that runs a release makes its age identity, so that the next one can bring it secrets. */
  const identify = async (target: string, machine: Machine): Promise<void> => {
    const recipient = await makeIdentity(machine);
    if (recipient.ok) remember(target, recipient.value);
    else if (recipient.reason !== 'age_missing') {
      log.warn('identity_unfit', { target, code: recipient.reason, detail: recipient.detail ?? null });
    }
  };

  const remember = (target: string, recipient: string): void => {
    const before = recipients.get(target);
    recipients.set(target, recipient);
    if (recipient !== before) deps.onChange();
  };

  /** What looks at one machine, and remembers between its looks which part is in force there. */
  const lookerOf = (target: string, vmid: number, machine: Machine): TargetLook => {
    const known = lookers.get(target);
    if (known?.vmid === vmid) return known.look;
    const look = createTargetLook(machine);
    lookers.set(target, { vmid, look });
    return look;
  };

  /** Undoes an activation that no step brings to its end any more; not while a step is at work there. */
  const putBack = async (target: string, machine: Machine): Promise<void> => {
    const letGo = deps.hold(target);
    if (letGo === null) return;
    try {
      // Whatever was at work there until now may have settled it.
      const state = await readTargetState(machine);
      if (!state.ok || state.value.pending === null) return;
      const back = await revertPending({ machine }, state.value);
      if (back.ok) log.warn('activation_undone', { target });
      else
        log.error('revert_failed', { target, code: codeOfReason(back.reason), detail: back.detail ?? null });
    } finally {
      letGo();
    }
  };

  const note = (target: string, found: Result<TargetReport, string>): void => {
    const before = seen.get(target) ?? unseen;
    if (!found.ok && found.reason !== before.seen) {
      log.warn('target_not_seen', { target, code: found.reason, detail: found.detail ?? null });
    }
    const next = found.ok ? found.value : { ...before, seen: found.reason };
    seen.set(target, next);
    if (JSON.stringify(next) !== JSON.stringify(before)) deps.onChange();
  };

  const lookAt = async (target: string, signal: AbortSignal): Promise<void> => {
    due.set(target, clock.uptimeMs() + intervalMs);
    try {
      const ms = lookMs + revertMs;
      const found = await withDeadline((until) => look(target, until), { clock, ms, stop: signal });
      if (signal.aborted) return;
      note(target, found ?? { ok: false, reason: 'target_timeout' });
      const isBack = found?.ok === false && mayCome.has(found.reason);
      if (isBack) due.set(target, clock.uptimeMs() + Math.min(soonAgainMs, intervalMs));
    } catch (error) {
      log.error('relay_fault', { where: 'target_watch', fault: String(error).slice(0, 200) });
    }
  };

  return {
    async run(signal) {
      const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      while (!signal.aborted) {
        const own = targets();
        for (const target of [...seen.keys()]) {
          if (own.includes(target)) continue;
          seen.delete(target);
          lookers.delete(target);
          recipients.delete(target);
          deps.onChange();
        }
        const next = own.find((target) => (due.get(target) ?? 0) <= clock.uptimeMs());
        // What goes on in a guest is not waited for by a relay that stops.
        if (next !== undefined) await Promise.race([lookAt(next, signal), stopped]);
        else {
          const at = Math.min(...own.map((target) => due.get(target)!), clock.uptimeMs() + intervalMs);
          await bell.wait(Math.max(0, at - clock.uptimeMs()), signal);
        }
      }
    },
    lookSoon(target) {
      due.set(target, 0);
      bell.ring();
    },
    recipients: () => Object.fromEntries(recipients),
    reports() {
      const most = Math.floor(toldDrift / Math.max(1, seen.size));
      const mostCertificates = Math.min(64, Math.floor(toldCertificates / Math.max(1, seen.size)));
      return Object.fromEntries(
        [...seen].map(([target, report]) => [
          target,
          {
            ...report,
            drift: report.drift.slice(0, most),
            ...(report.certificates && { certificates: soonest(report.certificates, mostCertificates) }),
          },
        ]),
      );
    },
  };
}

/** Those that end first, in their order. */
function soonest(all: readonly CertificateReport[], most: number): CertificateReport[] {
  const first = new Set([...all].sort((a, b) => a.expires - b.expires).slice(0, most));
  return all.filter((one) => first.has(one));
}
