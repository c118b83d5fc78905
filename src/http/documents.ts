import { toBytes } from '../../schema/jose/digest.ts';
import type { DocumentName, Documents } from './deps.ts';
import { openApiOf } from './openapi.ts';
import { errorsPage, referencePage } from './reference.ts';
import { routes } from './table.ts';

const makers: Readonly<Record<DocumentName, (version: string) => string>> = {
  'openapi.json': (version) => JSON.stringify(openApiOf(routes, version)),
  'reference.html': (version) => referencePage(routes, version),
  'errors.html': () => errorsPage(),
};

/** All that there are. */
export const documentNames = Object.keys(makers) as readonly DocumentName[];

/** What the API tells of itself, made of the table of routes. Each is made once: anyone may ask for it. */
export function documentsOf(version: string): Documents {
  const made = new Map<DocumentName, Uint8Array<ArrayBuffer>>();
  return async (name) => {
    const bytes = made.get(name) ?? toBytes(makers[name](version));
    made.set(name, bytes);
    return bytes;
  };
}
