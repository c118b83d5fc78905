import { existsSync, readFileSync } from 'node:fs';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { excerptOf, maxExcerptBytes } from '../../../schema/wire/excerpt.ts';
import type { Receipt } from '../../../schema/wire/receipt.ts';
import type { Context } from '../command.ts';
import type { Failure } from '../outcome.ts';
import { decryptAge, isArmored } from '../secrets/age.ts';
import { type IdentityValues, identityOptions, ownIdentityPath, readIdentity } from '../secrets/identity.ts';

/** Options of the commands that tell why a target failed. */
export const excerptOptions = {
  ...identityOptions,
  log: {
    type: 'flag',
    about: 'open what failing targets said, and ask for the passphrase where one is needed',
  },
} as const;

export type ExcerptValues = IdentityValues & { readonly log: boolean };

/** Where nothing was said about it: what can be opened without asking is. */
export const unasked: ExcerptValues = { identity: undefined, 'passphrase-file': undefined, log: false };

/** What programs of a target said when a part failed there. */
export type Said =
  /** In clear, and hostile: a target's own bytes. */
  | { readonly log: string }
  /** It is there and stays closed, and what to do about that. */
  | { readonly closed: string };

/**
 * Opens what relays sent of logs, with the owner's identity where that is at hand: named, in clear, or asked for.
 *
 * @param how the command that opens it, for those who have no identity at hand here
 */
export async function openExcerpts(
  context: Context,
  values: ExcerptValues,
  receipts: readonly (Receipt | null)[],
  how: string,
): Promise<{ ok: true; value: ReadonlyMap<Receipt, Said> } | Failure> {
  const found = receipts.flatMap((receipt) => {
    const file = receipt === null ? null : excerptOf(receipt);
    return file === null ? [] : [{ receipt: receipt!, file }];
  });
  const said = new Map<Receipt, Said>();
  if (found.length === 0) return { ok: true, value: said };
  const close = (closed: string) => {
    for (const { receipt } of found) said.set(receipt, { closed });
    return { ok: true, value: said } as const;
  };
  if (!isAtHand(context, values))
    return close(`what it said was sent, encrypted to you. Open it: ${how} --log`);
  const identity = await readIdentity(context, values);
  // An outcome is told whether or not its log can be opened.
  if (!identity.ok) return values.log ? identity : close(`what it said stays closed: ${identity.detail}`);
  for (const { receipt, file } of found) {
    const opened = await decryptAge(file, identity.value.openers, maxExcerptBytes);
    said.set(
      receipt,
      opened.ok
        ? { log: new TextDecoder().decode(opened.value) }
        : { closed: `what it said cannot be opened: ${opened.detail ?? opened.reason}` },
    );
  }
  return { ok: true, value: said };
}

/** Whether an identity can be used without asking for its passphrase, or one may ask. */
function isAtHand(context: Context, values: ExcerptValues): boolean {
  if (values.log || values.identity !== undefined || values['passphrase-file'] !== undefined) return true;
  const path = ownIdentityPath(context.configDir);
  return existsSync(path) && !isArmored(new Uint8Array(readFileSync(path)));
}

/** Lines for a person. Each line of a log stands behind a bar, so that it cannot pass for this program's own words. */
export function saidLines(said: Said | undefined): readonly string[] {
  if (said === undefined) return [];
  return 'closed' in said
    ? [said.closed]
    : said.log
        .replace(/\n+$/, '')
        .split('\n')
        .map((line) => `| ${line.replace(/\t/g, ' ')}`);
}

/** The same for `--json`: null where nothing was sent, or it stays closed. */
export const logOf = (said: Said | undefined): string | null =>
  said !== undefined && 'log' in said ? said.log : null;

/** What to do about failures of which nobody may read more than the code. */
export const unreadable = (
  { recipients }: Pick<TrustDocument, 'recipients'>,
  receipts: readonly (Receipt | null)[],
): readonly string[] =>
  recipients === undefined &&
  receipts.some((one) => (one?.state === 'failed' || one?.state === 'unknown') && excerptOf(one) === null)
    ? ['What failing apps say is sent to nobody: trust names no readers. Name yourself: writ trust readers']
    : [];
