import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { secretPath } from '../../config/secrets/repo-paths.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { replaceOutputs } from '../output.ts';
import { encryptSecret } from './age.ts';
import { confirmRecipients, type Judge, type Vault } from './vault.ts';

/** A value and the machines that are to have it. */
export type Setting = {
  readonly name: string;
  readonly value: Uint8Array;
  readonly machines: readonly string[];
};

/**
 * Encrypts values, each for every one of its machines, and writes all of them or none.
 *
 * @returns the paths in the repo, in the order of the settings
 */
export async function writeSecrets(
  vault: Vault,
  judge: Judge,
  settings: readonly Setting[],
): Promise<{ ok: true; value: readonly string[] } | Failure> {
  const machines = [...new Set(settings.flatMap((setting) => setting.machines))];
  const confirmed = await confirmRecipients(vault, judge, machines);
  if (!confirmed.ok) return confirmed;
  const files = new Map<string, Uint8Array>();
  for (const { name, value, machines: on } of settings) {
    for (const machine of on) {
      const encrypted = await encryptSecret(value, confirmed.value.get(machine)!);
      if (!encrypted.ok) {
        return fail(
          exits.refused,
          encrypted.reason,
          `The secret ${name} of ${machine} was not encrypted: ${encrypted.detail}. Nothing was written.`,
        );
      }
      files.set(secretPath(machine, name), encrypted.value);
    }
  }
  return writeIntoRepo(vault.root, files);
}

/** Writes files of a repo, all or none. A folder that is a link leads elsewhere: it is refused. */
export function writeIntoRepo(
  root: string,
  files: ReadonlyMap<string, Uint8Array>,
): { ok: true; value: readonly string[] } | Failure {
  const paths = [...files.keys()];
  const folders = new Set(
    paths.flatMap((path) => path.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))),
  );
  for (const folder of folders) {
    if (
      folder === '' ||
      !(lstatSync(join(root, folder), { throwIfNoEntry: false })?.isSymbolicLink() ?? false)
    )
      continue;
    return fail(
      exits.usage,
      'symlink',
      `${folder} is a link, which writ does not follow. Nothing was written. Put the folder itself there.`,
    );
  }
  replaceOutputs(new Map([...files].map(([path, bytes]) => [join(root, path), bytes])));
  return { ok: true, value: paths };
}
