import * as v from 'valibot';
import { bytes32Pattern } from '../jose/base64url.ts';
import { digestSchema } from '../jose/digest.ts';
import {
  codeIdSchema,
  commandIdSchema,
  countSchema,
  homeIdSchema,
  nameSchema,
  timeSchema,
} from '../wire/ids.ts';
import { maxReportBytes } from '../wire/limits.ts';
import { guestReportSchema } from '../wire/report.ts';

export const hostStates = [
  /** Its relay polls. */
  'awake',
  /** A receipted shutdown, and no report since; `confirmed` once its next boot said so. */
  'off',
  /** It is powering off now. */
  'powering_off',
  /** Its relay polled once, and does not any more, though nobody shut it down. */
  'silent',
  /** Its relay has never reported. */
  'unseen',
] as const;

export const hostViewSchema = v.strictObject({
  name: nameSchema,
  title: v.string(),
  state: v.picklist(hostStates),
  sleeps: v.boolean(),
  proxmox: v.nullable(v.string()),
  /** When this state was first seen. */
  since: v.nullable(timeSchema),
  last_seen: v.nullable(timeSchema),
  /** The command that holds it now. */
  held_by: v.nullable(commandIdSchema),
  sentence: v.string(),
});
export type HostView = v.InferOutput<typeof hostViewSchema>;

export const guestViewSchema = v.strictObject({
  name: nameSchema,
  title: v.string(),
  host: nameSchema,
  /** What its host's relay last reported; `unseen` while that host is not awake. */
  ...guestReportSchema.entries,
  exclusive: v.array(nameSchema),
  reported_at: v.nullable(timeSchema),
  held_by: v.nullable(commandIdSchema),
  sentence: v.string(),
});
export type GuestView = v.InferOutput<typeof guestViewSchema>;

export const hostListSchema = v.strictObject({ hosts: v.array(hostViewSchema) });
export const guestListSchema = v.strictObject({ guests: v.array(guestViewSchema) });

export const runbookViewSchema = v.strictObject({ name: nameSchema, title: v.string() });
export const runbookListSchema = v.strictObject({ runbooks: v.array(runbookViewSchema) });

export const statusSchema = v.strictObject({
  home: homeIdSchema,
  time: timeSchema,
  sentence: v.string(),
  /** Things to look at: trust that expires, a relay that is silent, an audit log that forked. */
  warnings: v.array(v.string()),
  hosts: v.array(hostViewSchema),
  guests: v.array(guestViewSchema),
});
export type StatusView = v.InferOutput<typeof statusSchema>;

export const relayViewSchema = v.strictObject({
  name: nameSchema,
  /** `pending`: it enrolled, and waits for the owner's approval. */
  state: v.picklist(['admitted', 'pending']),
  fingerprint: v.string(),
  kid: v.string(),
  version: v.nullable(v.string()),
  protocol: v.nullable(countSchema),
  trust_version: v.nullable(countSchema),
  last_seen: v.nullable(timeSchema),
  receipts_seq: countSchema,
  /** Of a pending relay: what the owner's CLI verifies before it admits. */
  enrolment: v.nullable(
    v.strictObject({
      code: codeIdSchema,
      statement: v.string(),
      owner_mac: v.string(),
      enrolled_at: timeSchema,
    }),
  ),
});
export type RelayView = v.InferOutput<typeof relayViewSchema>;
export const relayListSchema = v.strictObject({ relays: v.array(relayViewSchema) });

/** GET /v1/relays/reports: the last word of each admitted relay, as it signed it. Who reads it verifies it. */
export const signedReportsSchema = v.strictObject({
  reports: v.array(
    v.strictObject({ relay: nameSchema, report: v.pipe(v.string(), v.maxLength(maxReportBytes)) }),
  ),
});
export type SignedReports = v.InferOutput<typeof signedReportsSchema>;

/** POST /v1/relays/codes: lets one relay enrol once. The API learns only its own MAC key. */
export const codeRequestSchema = v.strictObject({
  code: codeIdSchema,
  relay: nameSchema,
  controller_key: v.pipe(v.string(), v.regex(bytes32Pattern)),
  expires: timeSchema,
});

/** GET /v1/audit: entries as they are chained, one JSON text each, and the head. */
export const auditPageSchema = v.strictObject({
  entries: v.array(v.string()),
  head: v.strictObject({ seq: countSchema, hash: digestSchema }),
});
