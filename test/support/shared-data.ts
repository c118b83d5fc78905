import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { missing } from './missing.ts';

/** Where the reference data lies that is not of this repository: beside the checkout, or where it is told. */
export const sharedDataFolder = resolve(
  process.env.WRIT_SHARED_DATA ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'data'),
);

/** The files that the tests read; `present` means all of them. */
const files = [
  'pve-api.jsonl',
  'wycheproof/ed25519_test.json',
  'wycheproof/json_web_key_test.json',
  'wycheproof/json_web_signature_test.json',
] as const;
export type SharedFile = (typeof files)[number];

export const sharedDataPresent = (): boolean =>
  files.every((file) => existsSync(join(sharedDataFolder, file)));

/** The text of one file, or null where it is absent, which is then named at the end of the run. */
export function readSharedData(file: SharedFile): string | null {
  const path = join(sharedDataFolder, file);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  missing(`shared data: ${file}`);
  return null;
}
