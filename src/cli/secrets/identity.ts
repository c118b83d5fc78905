import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { passphrase, passphraseFileOption } from '../passphrase.ts';
import { decryptAge, isArmored, type Opener, recipientOf } from './age.ts';

const maxIdentityBytes = 64 * 1024;

/** The owner's identity, where writ itself made one. */
export const ownIdentityPath = (configDir: string): string => join(configDir, 'identity.age');

/** Options of the commands that decrypt. */
export const identityOptions = {
  identity: {
    type: 'text',
    value: 'FILE',
    about: 'your age identity, as age-keygen or writ made it (default: identity.age beside your keys)',
  },
  'passphrase-file': passphraseFileOption,
} as const;

export type IdentityValues = {
  readonly identity: string | undefined;
  readonly 'passphrase-file': string | undefined;
};

export type Identity = {
  readonly openers: readonly Opener[];
  readonly recipients: readonly string[];
};

/** Reads the owner's identities, and asks for the passphrase of a file that is under one. */
export async function readIdentity(
  context: Context,
  values: IdentityValues,
): Promise<{ ok: true; value: Identity } | Failure> {
  const path = values.identity ?? ownIdentityPath(context.configDir);
  if (!existsSync(path)) {
    return fail(
      exits.usage,
      'identity_missing',
      `There is no age identity in ${path}. Name yours with --identity FILE, or make one: writ secrets recipients --new-identity.`,
    );
  }
  const stat = statSync(path);
  if (stat.size > maxIdentityBytes)
    return fail(exits.usage, 'identity_malformed', `${path} is too large for an age identity.`);
  const bytes = new Uint8Array(readFileSync(path));
  const head = new TextDecoder().decode(bytes.subarray(0, 64));
  const text =
    isArmored(bytes) || head.startsWith('age-encryption.org/')
      ? await unseal(context, path, bytes, values['passphrase-file'])
      : (stat.mode & 0o077) !== 0
        ? fail(exits.usage, 'config_open', `Others may read ${path}. Run: chmod 600 ${path}`)
        : { ok: true as const, value: new TextDecoder().decode(bytes) };
  return text.ok ? parse(path, text.value) : text;
}

async function unseal(
  context: Context,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
  file: string | undefined,
): Promise<{ ok: true; value: string } | Failure> {
  const said = await passphrase(context, file, `Passphrase of ${path}: `);
  if (!said.ok) return said;
  context.progress.say('Opening your identity');
  const opened = await decryptAge(bytes, [{ passphrase: said.value }], maxIdentityBytes);
  if (opened.ok) return { ok: true, value: new TextDecoder().decode(opened.value) };
  return opened.reason === 'age_not_for_key'
    ? fail(exits.refused, 'passphrase_wrong', `The passphrase does not open ${path}.`)
    : fail(exits.usage, 'identity_malformed', `${path} cannot be read: ${opened.detail}.`);
}

async function parse(path: string, text: string): Promise<{ ok: true; value: Identity } | Failure> {
  const openers: Opener[] = [];
  const recipients: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const identity = line.trim();
    if (identity === '' || identity.startsWith('#')) continue;
    const recipient = await recipientOf(identity);
    if (recipient === null) {
      return fail(
        exits.usage,
        'identity_malformed',
        `Line ${index + 1} of ${path} is no identity of age (AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…). Those of plugins and of SSH are not read.`,
      );
    }
    openers.push({ identity });
    recipients.push(recipient);
  }
  return openers.length > 0
    ? { ok: true, value: { openers, recipients } }
    : fail(exits.usage, 'identity_malformed', `There is no identity in ${path}.`);
}
