import { type Trust, trustExpired } from '../../../schema/trust/read.ts';
import { fromBase64 } from '../../../schema/x509/pem.ts';
import { readReport } from '../../config/secrets/reported.ts';
import type { Context } from '../command.ts';
import { readHome } from '../home.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { askReports, readReports } from '../secrets/bring-reports.ts';
import type { BroughtReport } from '../secrets/take-reports.ts';

/** The public key that a relay makes certificates with, by its own signed word. */
export type RelayKey = { readonly spki: Uint8Array<ArrayBuffer>; readonly report: number };

async function bring(
  context: Context,
  files: readonly string[],
): Promise<
  { ok: true; value: { readonly trust: Trust; readonly reports: readonly BroughtReport[] } } | Failure
> {
  if (files.length === 0) return askReports(context);
  const home = await readHome(context.configDir);
  if (!home.ok) return home;
  const reports = await readReports(context, files);
  return reports.ok ? { ok: true, value: { trust: home.value.trust, reports: reports.value } } : reports;
}

/**
 * The keys of relays, from reports that they signed: from files, or as the control plane has them. Each is verified by the
 * trust document on this computer; one that does not verify refuses all.
 */
export async function relayKeys(
  context: Context,
  files: readonly string[],
): Promise<{ ok: true; value: ReadonlyMap<string, RelayKey> } | Failure> {
  const brought = await bring(context, files);
  if (!brought.ok) return brought;
  const { trust, reports } = brought.value;
  if (trustExpired(trust, context.now())) {
    return fail(
      exits.refused,
      'trust_expired',
      `Trust version ${trust.document.version} has expired, and confirms no relay any more. Nothing was signed. Renew it: writ trust sign.`,
    );
  }
  const keys = new Map<string, RelayKey>();
  for (const { from, text } of reports) {
    const read = await readReport(trust, text.trim());
    if (!read.ok) {
      return fail(
        exits.refused,
        read.reason,
        `The report from ${from} was refused: ${read.detail ?? read.reason}. Nothing was signed. Who can speak for a relay is in writ trust show.`,
      );
    }
    const { relay, authority, seq } = read.value.report;
    const spki = authority === undefined ? null : fromBase64(authority);
    if (spki?.ok && (keys.get(relay)?.report ?? -1) < seq) keys.set(relay, { spki: spki.value, report: seq });
  }
  return { ok: true, value: keys };
}
