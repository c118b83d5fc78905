import { verifyJws } from '../../../schema/jose/jws.ts';
import { ok, type Result, refuse } from '../../../schema/result.ts';
import type { House } from '../../../schema/trust/document.ts';
import { keyOf, nameOfKey } from '../../../schema/trust/evaluate.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { maxReportBytes } from '../../../schema/wire/limits.ts';
import { own } from '../../../schema/wire/record.ts';
import { type Report, reportSchema } from '../../../schema/wire/report.ts';

/** What a relay's report says of recipients, verified. */
export type Reported = {
  readonly relay: string;
  /** Thumbprint of the key that signed it. */
  readonly kid: string;
  /** Its number: a relay counts up over its whole life. */
  readonly seq: number;
  /** When, by the relay's clock, in ms. */
  readonly time: number;
  /** By machine; at least one. */
  readonly recipients: Readonly<Record<string, string>>;
};

export type ReportRefusal =
  | 'report_unverified'
  | 'report_foreign'
  | 'report_oversteps'
  | 'report_without_recipients';

/** The relay that alone speaks for a machine: that of its host; undefined for what the house does not know. */
export const relayOf = (house: House, machine: string): string | undefined =>
  own(house.guests, machine)?.host ?? (own(house.hosts, machine) === undefined ? undefined : machine);

/** Verifies that a relay of trust signed a report of its own of this home. */
export async function readReport(
  trust: Trust,
  jws: string,
): Promise<Result<{ report: Report; kid: string }, 'report_unverified' | 'report_foreign'>> {
  const verified = await verifyJws('report', jws, {
    maxBytes: maxReportBytes,
    findKey: keyOf(trust, 'relay'),
    schema: reportSchema,
  });
  const { home, version } = trust.document;
  if (!verified.ok) {
    const why =
      verified.reason === 'jws_key_unknown'
        ? `no relay of trust version ${version} has the key that signed it`
        : (verified.detail ?? verified.reason);
    return refuse('report_unverified', why);
  }
  const { payload: report, key } = verified.value;
  if (report.home !== home) return refuse('report_foreign', `it is of another home, ${report.home}`);
  const signer = nameOfKey(trust, key.kid);
  if (report.relay !== signer)
    return refuse('report_foreign', `it speaks for ${report.relay}, and ${signer} signed it`);
  return ok({ report, kid: key.kid });
}

/**
 * Verifies a relay's report by a trust document, and that it speaks of machines alone for which the house lets this
 * relay speak. One that oversteps is refused as a whole: a relay that does that is believed in nothing.
 */
export async function readReported(trust: Trust, jws: string): Promise<Result<Reported, ReportRefusal>> {
  const read = await readReport(trust, jws);
  if (!read.ok) return read;
  const { report, kid } = read.value;
  const { house } = trust.document;
  const recipients = report.recipients ?? {};
  for (const machine of Object.keys(recipients)) {
    const speaker = relayOf(house, machine);
    if (speaker === report.relay) continue;
    const who = speaker === undefined ? 'which trust does not name' : `for which ${speaker} speaks`;
    return refuse('report_oversteps', `${report.relay} gives a recipient of ${machine}, ${who}`);
  }
  if (Object.keys(recipients).length === 0)
    return refuse('report_without_recipients', `${report.relay} tells of no recipient in it`);
  return ok({ relay: report.relay, kid, seq: report.seq, time: report.time, recipients });
}
