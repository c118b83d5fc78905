import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiCode, apiCodes } from '../../schema/api/api-codes.ts';
import { toBytes } from '../../schema/jose/digest.ts';
import { programVersion } from '../../schema/version.ts';
import { documentNames, documentsOf } from '../http/documents.ts';

// Run by wrangler before it bundles, because wrangler.toml says so. What a Worker tells of itself is written as files that
// lie beside it, and the codes of the API without what to do, which stands in these files alone.

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'dist', 'worker');
mkdirSync(join(folder, 'documents'), { recursive: true });

const documents = documentsOf(programVersion);
for (const name of documentNames) write(join('documents', name), await documents(name));

const codes = Object.fromEntries(
  (Object.keys(apiCodes) as ApiCode[]).map((code) => {
    const { status, title, meaning } = apiCodes[code];
    return [code, { status, title, meaning }];
  }),
);
write('api-codes.js', toBytes(`export const apiCodes = ${JSON.stringify(codes, null, 1)};\n`));

/** Another run may write or read it now: it is there whole, or as it was. */
function write(name: string, bytes: Uint8Array): void {
  const file = join(folder, name);
  if (isSame(file, bytes)) return;
  const beside = join(folder, `.${process.pid}`);
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
