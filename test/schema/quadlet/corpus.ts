import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnitFile } from '../../../schema/quadlet/unit.ts';

const folder = join(import.meta.dirname, 'corpus');

/** Unit files written from the documented keys: one machine's worth, so that they can name each other. */
export const corpus: ReadonlyMap<string, string> = new Map(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
    .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
);

export const asUnits = (files: ReadonlyMap<string, string>): UnitFile[] =>
  [...files].map(([name, text]) => ({ name, text, file: name }));
