import type { MachineRecipient } from '../../../schema/manifest/recipients.ts';
import { own } from '../../../schema/wire/record.ts';
import { byText } from '../../config/repo.ts';
import { type Reported, type ReportRefusal, readReported } from '../../config/secrets/reported.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { doubtOf, type Judge, type Vault } from './vault.ts';

/** A report as somebody brought it: a file, or the control plane. */
export type BroughtReport = { readonly from: string; readonly text: string };

/** What a report means for a machine. */
export type Taken = {
  readonly machine: string;
  readonly entry: MachineRecipient;
  /** The report itself, as it was signed. */
  readonly jws: string;
  /** `renewed`: the recipient is the same, and what confirmed it until now does not any more. */
  readonly change: 'new' | 'changed' | 'renewed' | 'none';
  readonly before: string | undefined;
  /** When the relay signed it, in ms. */
  readonly time: number;
};

/** Codes of what a report is refused for, with what to do. */
const mends: Readonly<Record<ReportRefusal, string>> = {
  report_unverified: 'Somebody else made it, or trust has changed since: writ trust show.',
  report_foreign: 'It must not be taken.',
  report_oversteps: 'Nothing of it was believed. Look at that relay.',
  report_without_recipients: 'Take a report from after the machines made their identities.',
};

const refused = (reason: string, from: string, why: string, mend: string): Failure =>
  fail(exits.refused, reason, `The report from ${from} was refused: ${why}. Nothing was written. ${mend}`);

/**
 * Verifies reports by trust and says what they change. One that does not verify refuses all: reports are brought by a
 * control plane that may be taken, or by files from anywhere.
 *
 * @param lenient whether a report without recipients is passed over
 */
export async function judgeReports(
  vault: Vault,
  judge: Judge,
  reports: readonly BroughtReport[],
  lenient: boolean,
): Promise<{ ok: true; value: readonly Taken[] } | Failure> {
  const found = new Map<string, Taken>();
  for (const { from, text } of reports) {
    const jws = text.trim();
    const read = await readReported(judge.trust, jws);
    if (!read.ok) {
      if (read.reason === 'report_without_recipients' && lenient) continue;
      return refused(read.reason, from, read.detail ?? read.reason, mends[read.reason]);
    }
    for (const machine of Object.keys(read.value.recipients)) {
      const other = found.get(machine);
      // Of several in one call the newest counts.
      if (other !== undefined && other.entry.report >= read.value.seq) continue;
      const taken = await judgeMachine(vault, judge, machine, read.value, jws);
      if (!taken.ok) return refused(taken.reason, from, taken.detail, 'Take a newer one.');
      found.set(machine, taken.value);
    }
  }
  return { ok: true, value: [...found.values()].sort((a, b) => byText(a.machine, b.machine)) };
}

type Judged = { ok: true; value: Taken } | { ok: false; reason: string; detail: string };

/** An older report never takes the place of a newer one of the same relay. */
async function judgeMachine(
  vault: Vault,
  judge: Judge,
  machine: string,
  { relay, kid, seq, time, recipients }: Reported,
  jws: string,
): Promise<Judged> {
  const recipient = recipients[machine]!;
  const before = own(vault.recipients.machines, machine);
  const confirmed = before !== undefined && (await doubtOf(vault, judge, machine)) === null;
  const seen = own(judge.known.seen, machine);
  const newest = Math.max(
    confirmed && before.kid === kid ? before.report : 0,
    seen?.kid === kid ? seen.report : 0,
  );
  if (seq < newest) {
    const detail = `it is report ${seq} of ${relay}, and report ${newest} is known of ${machine}`;
    return { ok: false, reason: 'report_older', detail };
  }
  if (confirmed && before.kid === kid && seq === before.report && before.recipient !== recipient) {
    const detail = `${relay} signed two reports of the number ${seq}`;
    return { ok: false, reason: 'report_twice', detail };
  }
  const same = before?.recipient === recipient;
  const change = before === undefined ? 'new' : !same ? 'changed' : confirmed ? 'none' : 'renewed';
  const entry: MachineRecipient = { recipient, relay, kid, report: seq, trust: judge.trust.digest };
  return { ok: true, value: { machine, entry, jws, change, before: before?.recipient, time } };
}
