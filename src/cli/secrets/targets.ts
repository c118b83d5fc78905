import * as v from 'valibot';
import { secretNameSchema } from '../../../schema/manifest/values.ts';
import { didYouMean } from '../../../schema/near.ts';
import { own } from '../../../schema/wire/record.ts';
import { byText } from '../../config/repo.ts';
import type { SecretFile } from '../../config/secrets/repo-paths.ts';
import type { Options } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { decryptAge } from './age.ts';
import type { Identity } from './identity.ts';
import type { Vault } from './vault.ts';

export const onOption = {
  on: { type: 'list', value: 'MACHINE', about: 'a guest or host that is to have it' },
} as const satisfies Options;

/** Why a text is no name of a secret, or null. */
export const judgeName = (name: string): Failure | null =>
  v.is(secretNameSchema, name)
    ? null
    : fail(
        exits.usage,
        'usage',
        `${name} is no name of a secret: 1 to 63 of a-z, 0-9, _ and -, starting with a letter. Nothing was done.`,
      );

/** The machines on which apps list a secret that is not made on the machine itself. */
export function usersOf({ home }: Pick<Vault, 'home'>, name: string): readonly string[] {
  const needed = home === undefined ? undefined : own(home.secrets, name);
  return needed === undefined || needed.from.length > 0 ? [] : needed.targets;
}

/** Those given by `--on`, else those whose apps list the secret. */
export function machinesToSet(
  vault: Vault,
  name: string,
  on: readonly string[],
): { ok: true; value: readonly string[] } | Failure {
  const derived = vault.home === undefined ? undefined : own(vault.home.secrets, name);
  if (derived !== undefined && derived.from.length > 0) {
    return fail(
      exits.usage,
      'secret_derived',
      `${name} is made on the machine from ${derived.from.join(', ')}, as app.yaml says: it is not set. Nothing was done.`,
    );
  }
  const machines = on.length > 0 ? on : usersOf(vault, name);
  if (machines.length > 0) return { ok: true, value: [...new Set(machines)].sort(byText) };
  const near = didYouMean(name, Object.keys(vault.home?.secrets ?? {}));
  return fail(
    exits.usage,
    'usage',
    `No app lists the secret ${name}, so say which machine is to have it: --on MACHINE.${near} Nothing was done.`,
  );
}

/** The files of a secret on some machines, or on all that have it. */
export function filesOf(
  { secrets }: Vault,
  name: string,
  on: readonly string[],
): { ok: true; value: readonly SecretFile[] } | Failure {
  const all = secrets.filter((file) => file.name === name);
  const found = on.length > 0 ? all.filter(({ machine }) => on.includes(machine)) : all;
  const missing = on.find((machine) => !all.some((file) => file.machine === machine));
  if (found.length > 0 && missing === undefined) return { ok: true, value: found };
  const near = all.length > 0 ? '' : didYouMean(name, new Set(secrets.map((file) => file.name)));
  const where = missing === undefined ? '' : ` for ${missing}`;
  return fail(
    exits.usage,
    'secret_unknown',
    `Nobody has set the secret ${name}${where}.${near} Set it with writ secrets set ${name}.`,
  );
}

/** The values of files, in their order. */
export async function decryptFiles(
  files: readonly SecretFile[],
  identity: Identity,
): Promise<{ ok: true; value: readonly Uint8Array<ArrayBuffer>[] } | Failure> {
  const values: Uint8Array<ArrayBuffer>[] = [];
  for (const { path, bytes } of files) {
    const opened = await decryptAge(bytes, identity.openers);
    if (!opened.ok) {
      const { reason, detail } = opened;
      const mend =
        reason === 'age_not_for_key'
          ? 'Name the identity that it is encrypted to with --identity, or set the secret again.'
          : 'Restore it, or set the secret again.';
      return fail(
        exits.failed,
        reason,
        `${path} cannot be decrypted: ${detail}. ${mend} Nothing was changed.`,
      );
    }
    values.push(opened.value);
  }
  return { ok: true, value: values };
}
