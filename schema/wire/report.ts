import * as v from 'valibot';
import { digestSchema } from '../jose/digest.ts';
import { ageRecipientSchema } from './age-recipient.ts';
import { countSchema, homeIdSchema, nameSchema, timeSchema } from './ids.ts';
import { codeSchema } from './receipt.ts';
import { recordOf } from './record.ts';

/**
 * DER of a P-256 key (SubjectPublicKeyInfo, its point uncompressed) in base64: what stands before the point is always the
 * same, so that nothing else can be brought into a certificate in its place.
 */
export const authorityKeySchema = v.pipe(
  v.string(),
  v.regex(/^MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{85}[AQgw]==$/, 'must be a P-256 key'),
);

/** What a relay saw of one guest. `missing`: Proxmox knows no such VMID; `mismatch`: not the adopted guest. */
export const guestReportSchema = v.strictObject({
  state: v.picklist(['running', 'stopped', 'paused', 'missing', 'mismatch', 'unseen']),
  lock: v.nullable(v.pipe(v.string(), v.maxLength(32))),
  agent: v.picklist(['answers', 'silent', 'none']),
  in_use: v.nullable(v.boolean()),
});
export type GuestReport = v.InferOutput<typeof guestReportSchema>;

/** A step at work: its phase lets the API tell a host that is powering off from one that went silent. */
export const progressSchema = v.strictObject({
  intent: digestSchema,
  step: countSchema,
  phase: v.picklist(['acting', 'waiting', 'powering_off', 'staged', 'activated']),
});
export type Progress = v.InferOutput<typeof progressSchema>;

/** One thing of a target that is not as its release says. */
export const driftSchema = v.strictObject({
  kind: v.picklist(['file', 'unit']),
  /** The file's path, or the service's name. */
  name: v.pipe(v.string(), v.maxLength(255)),
  is: v.picklist(['missing', 'changed', 'mode', 'owner', 'stopped', 'failed']),
});
export type Drift = v.InferOutput<typeof driftSchema>;

/** A certificate that an app of a target has from the private CA. */
export const certificateReportSchema = v.strictObject({
  app: nameSchema,
  name: nameSchema,
  /** When it ends; 0: there is none. */
  expires: timeSchema,
  /** Why it is not as it should be: it could not be made, or its users not be told. */
  code: v.optional(codeSchema),
});
export type CertificateReport = v.InferOutput<typeof certificateReportSchema>;

/** What a relay saw of a target that releases were applied to. */
export const targetReportSchema = v.strictObject({
  /** The part in force, by the digest of its bytes; null before the first. */
  part: v.nullable(digestSchema),
  /** `ok`, or why the target could not be looked at. */
  seen: v.union([v.literal('ok'), codeSchema]),
  /** When it was last looked at with success; 0: never. */
  seen_at: timeSchema,
  /** Things that differ: how many, and the first of them in the order of their names. */
  drifted: countSchema,
  drift: v.pipe(v.array(driftSchema), v.maxLength(50)),
  /** Those that end first, in the order of apps and names. Left out where there are none. */
  certificates: v.optional(v.pipe(v.array(certificateReportSchema), v.maxLength(64))),
});
export type TargetReport = v.InferOutput<typeof targetReportSchema>;

export const reportSchema = v.strictObject({
  home: homeIdSchema,
  relay: nameSchema,
  /** Numbered up over the relay's whole life. */
  seq: v.pipe(countSchema, v.minValue(1)),
  time: timeSchema,
  boot: v.pipe(v.string(), v.maxLength(64)),
  /** Milliseconds since the host booted. */
  uptime_ms: countSchema,
  version: v.pipe(v.string(), v.maxLength(40)),
  protocol: countSchema,
  trust_version: countSchema,
  clock_synchronised: v.boolean(),
  /** `none` where the host has no Proxmox, `ok`, or the driver's reason. */
  proxmox: v.union([v.literal('ok'), v.literal('none'), codeSchema]),
  guests: recordOf(nameSchema, guestReportSchema),
  progress: v.pipe(v.array(progressSchema), v.maxLength(64)),
  /** Jobs refused before they could be tied to an authorised intent, and the last code. */
  refused: v.strictObject({ count: countSchema, code: v.nullable(codeSchema) }),
  /** Hosts and guests that carry releases. Left out by a relay of protocol 1. */
  targets: v.optional(recordOf(nameSchema, targetReportSchema)),
  /**
   * To whom secrets of this host and of its guests are encrypted: the public half of each machine's age identity. Left
   * out by a relay whose machines have none.
   */
  recipients: v.optional(recordOf(nameSchema, ageRecipientSchema)),
  /**
   * The public half of the key that this relay makes certificates of the private CA with: SubjectPublicKeyInfo of P-256 in
   * base64. Left out by a relay without guests that carry releases.
   */
  authority: v.optional(authorityKeySchema),
});
/** What a relay sees, signed: on a change, when asked, and at least every minute. */
export type Report = v.InferOutput<typeof reportSchema>;

/** What a host says of itself at enrolment, for the owner to admit into the house. */
export const hostFactsSchema = v.strictObject({
  hostname: v.pipe(v.string(), v.maxLength(64)),
  macs: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/))), v.maxLength(32)),
  guests: v.pipe(
    v.array(
      v.strictObject({
        vmid: v.pipe(countSchema, v.minValue(100)),
        kind: v.picklist(['qemu', 'lxc']),
        name: v.pipe(v.string(), v.maxLength(64)),
        /** SMBIOS UUID of a VM, root file system volume of a container. */
        identity: v.pipe(v.string(), v.maxLength(128)),
      }),
    ),
    v.maxLength(256),
  ),
});
export type HostFacts = v.InferOutput<typeof hostFactsSchema>;
