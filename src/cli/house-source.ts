import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { toBytes } from '../../schema/jose/digest.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import { byText, type RepoFiles } from '../config/repo.ts';
import { readTextFile } from './files.ts';
import { maxHouseFileBytes, readHouseFile } from './house-file.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** Reads and judges the house file at a path. A repo's homelab.yaml has the runbooks that stand beside it, too. */
export function readHouseFrom(path: string): { ok: true; value: HouseFile } | Failure {
  let text: string | null;
  let runbooks: RepoFiles;
  try {
    text = readTextFile(path, maxHouseFileBytes);
    runbooks = basename(path) === 'homelab.yaml' ? runbooksBeside(dirname(path)) : new Map();
  } catch (error) {
    return fail(exits.usage, 'house_unreadable', `${path} cannot be read: ${(error as Error).message}.`);
  }
  if (text === null) return fail(exits.usage, 'house_missing', `There is no file ${path}.`);
  const house = readHouseFile(path, text, runbooks);
  return house.ok ? house : fail(exits.usage, house.reason, house.detail ?? 'The house file is not valid.');
}

function runbooksBeside(repo: string): RepoFiles {
  const folder = join(repo, 'runbooks');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.yaml')) : [];
  return new Map(
    names.sort(byText).map((name) => {
      const text = readTextFile(join(folder, name), maxHouseFileBytes) ?? '';
      return [`runbooks/${name}`, toBytes(text)];
    }),
  );
}
