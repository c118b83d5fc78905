import * as v from 'valibot';
import { nameSchema } from '../wire/ids.ts';
import { recordOf } from '../wire/record.ts';
import { cronSchema } from './times.ts';
import { absolutePathSchema, oneOrMany, percentSchema, titleSchema } from './values.ts';

/** An id of Proxmox' storage. */
const storageIdSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z][A-Za-z0-9._-]{0,98}[A-Za-z0-9]$/, 'must be an id of a storage such as local-lvm'),
);

/** A place for disks and backups, as Proxmox VE names its kinds. */
export const storageSchema = v.strictObject({
  title: v.optional(titleSchema),
  host: nameSchema,
  kind: v.picklist(['dir', 'btrfs', 'lvm', 'lvmthin', 'zfspool', 'nfs', 'cifs', 'pbs']),
  /** What Proxmox calls it; absent: as here. */
  id: v.optional(storageIdSchema),
  /** Of a folder. */
  path: v.optional(absolutePathSchema),
  /** Of a share: the machine that serves it, by name or address. */
  server: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(253))),
  content: v.optional(
    oneOrMany(v.picklist(['images', 'rootdir', 'backup', 'iso', 'vztmpl', 'snippets', 'import'])),
    [],
  ),
  /** In percent: how full it may be before somebody is told. */
  alert: v.optional(
    v.strictObject({
      used: v.optional(percentSchema, 85),
      /** Of a thin pool, whose metadata fill up by themselves. */
      metadata: v.optional(percentSchema),
    }),
    {},
  ),
});

const keepSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(10_000));

/** A job that backs up guests. */
export const backupJobSchema = v.strictObject({
  title: v.optional(titleSchema),
  guests: oneOrMany(nameSchema),
  storage: nameSchema,
  /** In the site's time zone. */
  schedule: cronSchema,
  mode: v.optional(v.picklist(['snapshot', 'suspend', 'stop']), 'snapshot'),
  /** How many are kept; of each kind the newest. */
  keep: v.pipe(
    v.strictObject({
      last: v.optional(keepSchema),
      daily: v.optional(keepSchema),
      weekly: v.optional(keepSchema),
      monthly: v.optional(keepSchema),
      yearly: v.optional(keepSchema),
    }),
    v.check(
      (keep) => Object.values(keep).some((count) => count !== undefined),
      'must keep some: last, daily, weekly, monthly or yearly',
    ),
  ),
  /** Apps that are stopped meanwhile, in the order of what uses what. */
  quiesce: v.optional(oneOrMany(nameSchema), []),
  /** Whether a host that sleeps is woken for it; otherwise it waits. */
  wake: v.optional(v.boolean(), true),
});

/** What of homelab.yaml says where data are, and how they are kept. */
export const storageMembers = {
  storage: v.optional(recordOf(nameSchema, storageSchema), {}),
  backups: v.optional(recordOf(nameSchema, backupJobSchema), {}),
};
