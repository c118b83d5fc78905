import type { HouseFile } from '../../schema/manifest/house.ts';
import { readTextFile } from './files.ts';
import { maxHouseFileBytes, readHouseFile } from './house-file.ts';
import { exits, type Failure, fail } from './outcome.ts';

/** Reads and judges the house file at a path. */
export function readHouseFrom(path: string): { ok: true; value: HouseFile } | Failure {
  let text: string | null;
  try {
    text = readTextFile(path, maxHouseFileBytes);
  } catch (error) {
    return fail(exits.usage, 'house_unreadable', `${path} cannot be read: ${(error as Error).message}.`);
  }
  if (text === null) return fail(exits.usage, 'house_missing', `There is no file ${path}.`);
  const house = readHouseFile(path, text);
  return house.ok ? house : fail(exits.usage, house.reason, house.detail ?? 'The house file is not valid.');
}
