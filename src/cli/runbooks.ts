import * as v from 'valibot';
import { type HouseFile, type Runbook, runbookSchema } from '../../schema/manifest/house.ts';
import { nameSchema } from '../../schema/wire/ids.ts';
import { recordOf } from '../../schema/wire/record.ts';
import { readConfigFile, writeConfigFile } from './config-file.ts';
import type { Failure } from './outcome.ts';

const file = 'runbooks.json';
const maxBytes = 1024 * 1024;
const runbooksSchema = v.strictObject({ runbooks: recordOf(nameSchema, runbookSchema) });

/** Keeps what the owner's own file says that runbooks do: a control plane's word for it is not enough to sign by. */
export const keepRunbooks = (directory: string, house: HouseFile): void =>
  writeConfigFile(directory, file, { runbooks: house.runbooks });

/** All runbooks by name as this computer uploaded them. */
export function keptRunbooks(
  directory: string,
): { ok: true; value: Readonly<Record<string, Runbook>> } | Failure {
  const kept = readConfigFile(directory, file, runbooksSchema, maxBytes);
  return kept.ok ? { ok: true, value: kept.value?.runbooks ?? {} } : kept;
}

/** A runbook as this computer uploaded it; null where it did not. */
export function keptRunbook(directory: string, name: string): { ok: true; value: Runbook | null } | Failure {
  const kept = keptRunbooks(directory);
  if (!kept.ok) return kept;
  return { ok: true, value: Object.hasOwn(kept.value, name) ? kept.value[name]! : null };
}
