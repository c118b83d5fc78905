import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Attack } from './attack.ts';

const folder = join(import.meta.dirname, 'attacks');

/** Every attack there is, one a file: controls of what is seen first and last, between them by threat and name. */
export async function findAttacks(): Promise<readonly Attack[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  const attacks = await Promise.all(
    files.map(async (file) => {
      const { attack } = (await import(pathToFileURL(join(folder, file)).href)) as { attack?: Attack };
      if (attack === undefined) throw new Error(`attacks/${file} exports no \`attack\``);
      if (`${attack.name}.ts` !== file) throw new Error(`attacks/${file} is named ${attack.name} inside`);
      return attack;
    }),
  );
  // A home that was broken on purpose is good for nothing afterwards.
  const place = ({ must }: Attack): number => (must === 'execute' ? 0 : must === 'win' ? 2 : 1);
  return attacks.sort((a, b) => place(a) - place(b) || a.threat - b.threat || (a.name < b.name ? -1 : 1));
}
