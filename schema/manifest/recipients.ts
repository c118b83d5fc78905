import * as v from 'valibot';
import { bytes32Pattern } from '../jose/base64url.ts';
import { digestSchema } from '../jose/digest.ts';
import { ageRecipientSchema } from '../wire/age-recipient.ts';
import { countSchema, nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';

const machineSchema = v.strictObject({
  recipient: ageRecipientSchema,
  /** The relay that said so, and the thumbprint of the key that it signed with. */
  relay: nameSchema,
  kid: v.pipe(v.string(), v.regex(bytes32Pattern, 'must be the thumbprint of a key')),
  /** The number of its report, which `secrets/<machine>.jws` holds. */
  report: v.pipe(countSchema, v.minValue(1)),
  /** The trust document by which the report was verified. */
  trust: digestSchema,
});
export type MachineRecipient = v.InferOutput<typeof machineSchema>;

/** secrets/recipients.yaml: to whom secrets are encrypted. */
export const recipientsSchema = v.strictObject({
  v: v.optional(v.literal(1), 1),
  /** The owner's own, who can read every secret. */
  owner: v.optional(v.pipe(v.array(ageRecipientSchema), v.maxLength(16)), []),
  machines: v.optional(recordOf(nameSchema, machineSchema), {}),
});
export type Recipients = v.InferOutput<typeof recipientsSchema>;
