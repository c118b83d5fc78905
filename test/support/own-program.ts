import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Names a folder of programs that judge configuration and that no package brings, such as `gatus`. */
const folderVariable = 'WRIT_PROGRAMS';

/** A program of that folder, or of PATH; null where there is none. */
export function findProgram(name: string): string | null {
  const own = join(process.env[folderVariable] ?? '/nowhere', name);
  if (existsSync(own)) return own;
  return spawnSync('which', [name], { encoding: 'utf8' }).status === 0 ? name : null;
}
