import * as v from 'valibot';
import { oneLine } from './proxmox-errors.ts';

/**
 * What the driver reads out of Proxmox VE's answers, and how tolerant it is. Perl has no types to speak of, so
 * that numbers come as strings and booleans as 0 and 1, depending on version and endpoint.
 */

const wholeNumber = v.union([
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number)),
]);

const flag = v.pipe(
  v.union([v.boolean(), v.picklist([0, 1, '0', '1', ''])]),
  v.transform((value) => value === true || Number(value) === 1),
);

const vmid = v.pipe(wholeNumber, v.minValue(100), v.maxValue(999_999_999));

/** A name that only people read: shortened and made harmless instead of refused. */
const label = v.pipe(
  v.string(),
  v.transform((text) => oneLine(text, 128)),
);

const lock = v.pipe(v.string(), v.regex(/^[a-z-]{1,32}$/));

export const guestRow = v.object({
  vmid,
  name: v.optional(label),
  status: v.picklist(['running', 'stopped']),
  qmpstatus: v.optional(label),
  lock: v.optional(lock),
  uptime: v.optional(wholeNumber),
  template: v.optional(flag),
});

export const guestRows = v.pipe(v.array(guestRow), v.maxLength(5_000));

export const guestStatusShape = v.object({
  ...guestRow.entries,
  vmid: v.optional(vmid),
  agent: v.optional(flag),
});

export const qemuConfigShape = v.object({ smbios1: v.optional(v.string()) });
export const lxcConfigShape = v.object({ rootfs: v.optional(v.string()) });

export const taskStatusShape = v.object({
  status: v.picklist(['running', 'stopped']),
  exitstatus: v.optional(v.string()),
});

/** `agent/ping` answers an empty object, or the error that the agent gave. */
export const agentPingShape = v.object({ result: v.optional(v.unknown()) });

export const agentUsersShape = v.object({
  result: v.union([
    v.pipe(v.array(v.object({ user: label, domain: v.optional(label) })), v.maxLength(256)),
    v.object({ error: v.object({ desc: v.optional(label) }) }),
  ]),
});

export const agentExecShape = v.object({ pid: wholeNumber });

export const agentExecStatusShape = v.object({
  exited: flag,
  exitcode: v.optional(wholeNumber),
  signal: v.optional(wholeNumber),
  'out-data': v.optional(v.string(), ''),
  'err-data': v.optional(v.string(), ''),
  'out-truncated': v.optional(flag, false),
});

const amount = v.pipe(v.number(), v.minValue(0));

export const nodeStatusShape = v.object({
  uptime: v.optional(wholeNumber),
  pveversion: v.optional(label),
  cpu: v.optional(amount),
  // Strings in every version seen, numbers in the documentation of some.
  loadavg: v.optional(
    v.pipe(v.array(v.union([amount, v.pipe(v.string(), v.regex(/^\d{1,6}(\.\d{1,6})?$/))])), v.maxLength(3)),
  ),
  memory: v.optional(v.object({ total: amount, used: amount })),
  'current-kernel': v.optional(v.object({ release: v.optional(label) })),
});
