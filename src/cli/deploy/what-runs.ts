import { type TargetView, targetListSchema } from '../../../schema/api/deployments.ts';
import { signedReportsSchema } from '../../../schema/api/house.ts';
import type { Digest } from '../../../schema/jose/digest.ts';
import type { House } from '../../../schema/trust/document.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { own } from '../../../schema/wire/record.ts';
import { compareOrders, type ReleaseOrderNumber } from '../../../schema/wire/release-order.ts';
import type { TargetReport } from '../../../schema/wire/report.ts';
import { byText } from '../../config/repo.ts';
import { readReport, relayOf } from '../../config/secrets/reported.ts';
import type { Context } from '../command.ts';
import type { Failure } from '../outcome.ts';
import { openSession, refreshTrust, type Session } from '../session.ts';
import type { NumbersSeen } from './desk.ts';
import type { FormerPart } from './former.ts';

/** What stands on a target, by its relay's word. Times by the relay's clock, in ms. */
type Standing = {
  readonly part: Digest | null;
  /** When it was seen, or brought about. */
  readonly at: number;
  /** When the relay signed something of the target last. */
  readonly signedAt: number;
};

/** A target as far as it is known here. */
export type Sight = {
  readonly target: string;
  /** The relay that alone speaks for it, by trust. */
  readonly relay: string;
  /** What the control plane says; null where it does not know the target. */
  readonly view: TargetView | null;
  /** What its relay last signed, verified by trust; null where nothing verifies. Time by the relay's clock, in ms. */
  readonly signed: { readonly report: TargetReport; readonly time: number } | null;
  /** The part in force by what its relay signed, a report or a receipt; null where nothing of it is known. */
  readonly standing: Standing | null;
};

export type Sights = {
  /** By target, sorted; those alone that trust's house names. */
  readonly targets: ReadonlyMap<string, Sight>;
  /** The lowest number that a release from the desk may have, as the control plane says. */
  readonly next: ReleaseOrderNumber;
} & NumbersSeen;

/** What a target is, by its relay's own word where there is one, else as the control plane has it. */
export const reportOf = ({ signed, view }: Sight): TargetReport | null =>
  signed?.report ?? view?.report ?? null;

/** Whether no release was ever meant for a target, as far as is known, and nothing of one is there. */
export const isBlank = (sight: Sight): boolean =>
  sight.view?.wanted == null && (reportOf(sight)?.part ?? null) === null;

/** Whether a report knows nothing of the part in force: its relay has not seen the target since it started. */
export const isUnseen = ({ part, seen }: TargetReport): boolean => part === null && seen !== 'ok';

/** The part in force on a target; null where none is, or it is not known. */
export const runningPart = (sight: Sight | undefined): Digest | null =>
  sight?.standing == null ? (sight?.view?.report?.part ?? null) : sight.standing.part;

/** Far above what a desk ever signs, and far below where numbers end. */
const highestDesk = 1_000_000_000_000;

/**
 * Whether a number can be one that a target began. Only virtual machines take a workflow's runs, and it is their host's
 * relay that says so: the relay beside a control plane that is taken speaks for its own machine, and names no run.
 */
const isPlausible = (
  house: House,
  target: string,
  { run_id, run_attempt, desk }: ReleaseOrderNumber,
): boolean =>
  desk <= highestDesk && ((run_id === 0 && run_attempt === 0) || own(house.guests, target)?.kind === 'qemu');

/**
 * Sights that also know what receipts say: the report after an activation comes later than its receipt, and until then
 * tells of the part before.
 */
export function withReceipts(sights: Sights, former: readonly FormerPart[], house: House): Sights {
  const targets = new Map(sights.targets);
  let { proven } = sights;
  for (const { view, target, part, receipt } of former) {
    const { order: number } = view.order;
    // What a limit alone kept back counts as begun: its relay takes nothing of a lower number any more.
    const counts = receipt !== null && (receipt.state !== 'refused' || receipt.code === 'limit_reached');
    if (
      counts &&
      isPlausible(house, target, number) &&
      (proven === null || compareOrders(number, proven) > 0)
    )
      proven = number;
    const sight = targets.get(target);
    if (sight === undefined || receipt?.state !== 'succeeded') continue;
    const { at, signedAt } = sight.standing ?? { at: 0, signedAt: 0 };
    if (receipt.time <= at) continue;
    const standing = { part, at: receipt.time, signedAt: Math.max(receipt.time, signedAt) };
    targets.set(target, { ...sight, standing });
  }
  return { ...sights, targets, proven };
}

/**
 * Asks what runs on the targets, and holds it against what their relays signed: a control plane that is taken could
 * name other parts, and so have a difference shown that is none.
 */
export async function lookAtTargets(
  { api }: Session,
  trust: Trust,
): Promise<{ ok: true; value: Sights } | Failure> {
  const [list, reports] = await Promise.all([
    api.call({ method: 'GET', url: '/v1/targets', answer: targetListSchema }),
    api.call({ method: 'GET', url: '/v1/relays/reports', answer: signedReportsSchema, verbatim: true }),
  ]);
  if (!list.ok) return list;
  if (!reports.ok) return reports;
  const { house } = trust.document;
  const signed = new Map<string, NonNullable<Sight['signed']>>();
  for (const { report: text } of reports.value.reports) {
    const read = await readReport(trust, text);
    if (!read.ok) continue;
    const { relay, time, targets = {} } = read.value.report;
    for (const [target, report] of Object.entries(targets)) {
      if (relayOf(house, target) === relay) signed.set(target, { report, time });
    }
  }
  const views = new Map(list.value.targets.map((view) => [view.target, view]));
  const targets = new Map<string, Sight>();
  for (const target of [...new Set([...views.keys(), ...signed.keys()])].sort(byText)) {
    const relay = relayOf(house, target);
    if (relay === undefined) continue;
    const said = signed.get(target) ?? null;
    const standing =
      said === null || isUnseen(said.report)
        ? null
        : { part: said.report.part, at: said.report.seen_at, signedAt: said.time };
    targets.set(target, { target, relay, view: views.get(target) ?? null, signed: said, standing });
  }
  const workflows = Object.values(trust.document.identities).some(({ kind }) => kind === 'github');
  return { ok: true, value: { targets, next: list.value.next, proven: null, workflows } };
}

/** Opens the home, refreshes trust, and asks what runs: for commands that sign nothing. */
export async function seeTargets(context: Context): Promise<{ ok: true; value: Sights } | Failure> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const trust = await refreshTrust(session.value);
  return trust.ok ? lookAtTargets(session.value, trust.value) : trust;
}
