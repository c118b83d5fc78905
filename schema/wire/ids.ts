import * as v from 'valibot';

/** 26 Crockford characters (ULID): 48 bits of time in ms, then 80 random bits. */
const ulid = '[0-9A-HJKMNP-TV-Z]{26}';

const idSchema = (prefix: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^${prefix}_${ulid}$`), `must be ${prefix}_ and 26 characters`));

export const homeIdSchema = idSchema('h');
export const commandIdSchema = idSchema('cmd');
export const tokenIdSchema = idSchema('tok');
export const codeIdSchema = idSchema('enr');
export const deploymentIdSchema = idSchema('dep');

/**
 * A name of a host, guest, app, runbook, identity or exclusive resource, as a person types it; not one that
 * every object of the language has, so that a look-up finds what somebody wrote or nothing.
 */
export const nameSchema = v.pipe(
  v.string(),
  v.regex(
    /^(?!(?:constructor|prototype)$)[a-z][a-z0-9-]{0,30}$/,
    'must be 1 to 31 of a-z, 0-9 and -, starting with a letter, and not constructor or prototype',
  ),
);

/** How an answer names who ordered something. Nothing more fits in: a caller shows it to somebody who decides. */
export const principalTextSchema = v.pipe(
  v.string(),
  v.regex(
    /^(operator|(token|key|github|relay|pending):[a-z][a-z0-9-]{0,30})$/,
    'must be operator, or a kind and a name such as token:phone',
  ),
);

/**
 * What an action is done on: a host or guest by its name, or a command of an app by its full name,
 * `<guest>/<app>/<command>`, of up to 95 characters.
 */
export const targetNameSchema = v.pipe(
  v.string(),
  v.regex(
    /^(?!(?:[^/]*\/){0,2}(?:constructor|prototype)(?:\/|$))[a-z][a-z0-9-]{0,30}(?:\/[a-z][a-z0-9-]{0,30}\/[a-z][a-z0-9-]{0,30})?$/,
    'must be a name such as websvcs, or three with slashes between them such as websvcs/wiki/reindex',
  ),
);

/** The one action whose targets are commands of apps. */
export const commandActionType = 'app.command';

/** A command of an app: where the app runs, the app, and what it calls the command. */
export type CommandName = { readonly machine: string; readonly app: string; readonly command: string };

/** Reads the full name of a command of an app; null for what is none. */
export function readCommandName(target: string): CommandName | null {
  if (!target.includes('/') || !v.is(targetNameSchema, target)) return null;
  const [machine, app, command] = target.split('/') as [string, string, string];
  return { machine, app, command };
}

/** The host or guest that a target is, or is on. */
export const machineOfTarget = (target: string): string => readCommandName(target)?.machine ?? target;

/**
 * What an action is called, known or not. Bounded, because a relay journals and receipts what it refuses too.
 */
export const actionTypeSchema = v.pipe(
  v.string(),
  v.maxLength(60),
  v.regex(/^[a-z]+\.[a-z-]{1,40}$/, 'must be such as guest.start'),
);

/** 16 to 32 random bytes as base64url. */
export const nonceSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,43}$/));

/** Integer Unix milliseconds. (Only a phone's JWT carries RFC 7519 seconds.) */
export const timeSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID of a time in ms and 10 random bytes. */
export function ulidOf(timeMs: number, random: Uint8Array): string {
  let bits = BigInt(timeMs);
  for (const byte of random.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let out = '';
  for (let i = 25; i >= 0; i -= 1) out += crockford[Number((bits >> BigInt(i * 5)) & 31n)];
  return out;
}
