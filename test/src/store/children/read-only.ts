// Opens the database of a folder that cannot be written, with and without a file in it, and prints the reasons.
import { join } from 'node:path';
import { openEmbedded } from '../../../../src/store/embedded-node.ts';

const reasons = [];
for (const name of ['writ.db', 'new.db', 'bare.db']) {
  const db = await openEmbedded({ path: join(process.argv[2] ?? '', name) }).catch((error) => error);
  reasons.push('reason' in db ? db.reason : 'opened');
}
console.log(JSON.stringify(reasons));
