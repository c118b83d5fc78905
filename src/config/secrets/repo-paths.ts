import * as v from 'valibot';
import { secretNameSchema } from '../../../schema/manifest/values.ts';
import { nameSchema } from '../../../schema/wire/ids.ts';
import { byText, type RepoFiles } from '../repo.ts';

export const recipientsFile = 'secrets/recipients.yaml';

export const secretPath = (machine: string, name: string): string => `secrets/${machine}/${name}.age`;

/** The relay's report from which a machine's recipient was taken. No folder of a machine has a dot in its name. */
export const reportPath = (machine: string): string => `secrets/${machine}.jws`;

export type SecretFile = {
  readonly machine: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Every secret of a repo, sorted by name and machine, and the paths under `secrets/` that are something else. */
export function secretFilesOf(files: RepoFiles): {
  readonly secrets: readonly SecretFile[];
  readonly others: readonly string[];
} {
  const secrets: SecretFile[] = [];
  const others: string[] = [];
  for (const [path, bytes] of files) {
    if (!path.startsWith('secrets/')) continue;
    const [, machine, name] = /^secrets\/([^/]+)\/([^/]+)\.age$/.exec(path) ?? [];
    if (machine !== undefined && v.is(nameSchema, machine) && v.is(secretNameSchema, name)) {
      secrets.push({ machine, name, path, bytes });
    } else others.push(path);
  }
  secrets.sort((a, b) => byText(a.name, b.name) || byText(a.machine, b.machine));
  return { secrets, others: others.sort(byText) };
}
