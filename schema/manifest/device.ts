import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { macSchema } from './house.ts';
import { addressSchema, titleSchema } from './values.ts';

/** A thing of the home that no relay manages: a switch, an access point, a Windows guest's share, a printer. */
export const deviceSchema = v.strictObject({
  title: v.optional(titleSchema),
  /** What it is, in the owner's own word: `switch`. */
  kind: v.optional(nameSchema, 'device'),
  network: v.optional(nameSchema),
  address: v.optional(addressSchema),
  mac: v.optional(macSchema),
});
