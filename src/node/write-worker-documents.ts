import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programVersion } from '../../schema/version.ts';
import { documentNames, documentsOf } from '../http/documents.ts';

/** Run by wrangler before it bundles: what a Worker tells of itself lies beside it as files. See wrangler.toml. */
const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'dist', 'worker-documents');
mkdirSync(folder, { recursive: true });

const documents = documentsOf(programVersion);
for (const name of documentNames) {
  const bytes = await documents(name);
  const file = join(folder, name);
  if (isSame(file, bytes)) continue;
  // Another run may write or read it now: it is there whole or not at all.
  const beside = join(root, 'dist', `.${name}.${process.pid}`);
  writeFileSync(beside, bytes);
  renameSync(beside, file);
}

function isSame(file: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(file).equals(bytes);
  } catch {
    return false;
  }
}
