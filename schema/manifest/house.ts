import * as v from 'valibot';
import { actionOf } from '../actions/index.ts';
import { ok, type Result, refuse } from '../result.ts';
import {
  type House,
  trustGuestSchema,
  trustHostSchema,
  houseSchema as trustHouseSchema,
} from '../trust/document.ts';
import { limitSchema } from '../trust/grant.ts';
import { webUrlSchema } from '../trust/web-url.ts';
import { nameSchema, targetNameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';

/** A MAC, read in lower case. */
export const macSchema = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, 'must be a MAC such as 02:00:00:00:00:01'),
);

export const hostSchema = v.strictObject({
  title: trustHostSchema.entries.title,
  /** Whether the host runs Proxmox VE. */
  proxmox: v.optional(v.boolean(), true),
  mac: v.optional(macSchema),
  wake_via: trustHostSchema.entries.wake_via,
  wake_address: trustHostSchema.entries.wake_address,
  sleeps: v.optional(v.boolean(), false),
});

export const guestSchema = v.strictObject({
  title: trustGuestSchema.entries.title,
  host: nameSchema,
  kind: v.optional(v.picklist(['qemu', 'lxc']), 'qemu'),
  vmid: trustGuestSchema.entries.vmid,
  identity: trustGuestSchema.entries.identity,
  /** Started and shut down at will: the controller alone may order it. */
  ad_hoc: v.optional(v.boolean(), false),
  exclusive: v.optional(trustGuestSchema.entries.exclusive, []),
  order: v.optional(trustGuestSchema.entries.order, 50),
  in_use: v.optional(v.picklist(['sessions', 'never']), 'never'),
  agent: v.optional(v.boolean()),
});

export const runbookStepSchema = v.strictObject({
  action: v.pipe(
    v.string(),
    v.check((type) => actionOf(type) !== undefined, 'must be an action such as guest.start'),
  ),
  target: targetNameSchema,
  params: v.optional(recordOf(v.string(), v.unknown()), {}),
  /** Whether it runs although the step before it failed. */
  even_if_failed: v.optional(v.boolean(), false),
});

export const runbookSchema = v.strictObject({
  title: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  steps: v.pipe(v.array(runbookStepSchema), v.minLength(1), v.maxLength(60)),
});
/** A named list of steps that a caller may run as one. */
export type Runbook = v.InferOutput<typeof runbookSchema>;

export const houseFileSchema = v.strictObject({
  v: v.literal(1),
  hosts: recordOf(nameSchema, hostSchema),
  guests: v.optional(recordOf(nameSchema, guestSchema), {}),
  runbooks: v.optional(recordOf(nameSchema, runbookSchema), {}),
  /** Where trust is published, not behind the control plane's machine. */
  mirror: v.optional(webUrlSchema),
  alarm: v.optional(
    v.union([v.strictObject({ ntfy: webUrlSchema }), v.strictObject({ webhook: webUrlSchema })]),
  ),
  /** How often the controller alone may order one action in a window. */
  limits: v.optional(
    v.strictObject({ power: v.optional(limitSchema, '6/1h'), guests: v.optional(limitSchema, '20/1h') }),
    {},
  ),
});
/** house.yaml: hosts, guests and runbooks, as their owner writes them. */
export type HouseFile = v.InferOutput<typeof houseFileSchema>;
export type HouseFileInput = v.InferInput<typeof houseFileSchema>;

/** What of the house file decides anything on a relay, in the form of the trust document. */
export function houseOf(file: HouseFile): Result<House, 'house_invalid'> {
  const house = {
    hosts: Object.fromEntries(Object.entries(file.hosts).map(([name, host]) => [name, { ...host }])),
    guests: Object.fromEntries(
      Object.entries(file.guests).map(([name, { ad_hoc: _, agent, ...guest }]) => [
        name,
        { ...guest, agent: agent ?? guest.kind === 'qemu' },
      ]),
    ),
  };
  const parsed = v.safeParse(trustHouseSchema, house);
  if (!parsed.success) return refuse('house_invalid', parsed.issues[0].message);
  for (const [name, runbook] of Object.entries(file.runbooks)) {
    for (const step of runbook.steps) {
      const action = actionOf(step.action)!;
      const relay = action.relayFor(parsed.output, step.target);
      if (!relay.ok) return refuse('house_invalid', `runbook ${name}: ${relay.detail}`);
      if (!action.acceptsParams(step.params))
        return refuse('house_invalid', `runbook ${name}: the parameters of ${step.action} do not fit`);
    }
  }
  return ok(parsed.output);
}
