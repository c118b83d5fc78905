import { signedReportsSchema } from '../../../schema/api/house.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { maxReportBytes } from '../../../schema/wire/limits.ts';
import { textOrNull } from '../../config/read/text.ts';
import type { Context } from '../command.ts';
import type { Failure } from '../outcome.ts';
import { openSession, refreshTrust } from '../session.ts';
import type { BroughtReport } from './take-reports.ts';
import { readInput } from './value.ts';

/** The reports of relays that the control plane has, and the newest trust. Its word counts for nothing: each is yet to be verified. */
export async function askReports(
  context: Context,
): Promise<
  { ok: true; value: { readonly trust: Trust; readonly reports: readonly BroughtReport[] } } | Failure
> {
  const session = await openSession(context);
  if (!session.ok) return session;
  const trust = await refreshTrust(session.value);
  if (!trust.ok) return trust;
  const answer = await session.value.api.call({
    method: 'GET',
    url: '/v1/relays/reports',
    answer: signedReportsSchema,
  });
  if (!answer.ok) return answer;
  const reports = answer.value.reports.map(({ relay, report }) => ({
    from: `the relay ${relay}`,
    text: report,
  }));
  return { ok: true, value: { trust: trust.value, reports } };
}

/** Reports as files, `-` for standard input. */
export async function readReports(
  context: Context,
  files: readonly string[],
): Promise<{ ok: true; value: readonly BroughtReport[] } | Failure> {
  const reports: BroughtReport[] = [];
  for (const file of files) {
    const bytes = await readInput(context, file, maxReportBytes + 2);
    if (!bytes.ok) return bytes;
    reports.push({ from: file, text: textOrNull(bytes.value) ?? '' });
  }
  return { ok: true, value: reports };
}
