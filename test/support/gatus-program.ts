import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './own-program.ts';

export const gatusProgram = findProgram('gatus');

/** Whether this machine gives a process a network of its own, in which nothing is reached. */
export const hasEmptyNetwork = spawnSync('unshare', ['-rn', 'true']).status === 0;

type Files = Readonly<Record<string, string>>;
type Started = { readonly child: ChildProcess; log(): string; until(text: RegExp): Promise<string> };

/** Starts Gatus with a folder of configuration; it ends with the test. */
export function startGatus(
  t: { after(work: () => void): void },
  files: Files,
  { emptyNetwork = false, env = {} }: { emptyNetwork?: boolean; env?: Readonly<Record<string, string>> } = {},
): Started {
  const folder = mkdtempSync(join(tmpdir(), 'writ-gatus-'));
  mkdirSync(join(folder, 'config'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'config', name), text);
  const [program, ...words] = [...(emptyNetwork ? ['unshare', '-rn'] : []), gatusProgram!];
  const child = spawn(program!, words, {
    cwd: folder,
    env: { PATH: process.env.PATH, GATUS_CONFIG_PATH: join(folder, 'config'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const waiting = new Set<() => void>();
  const tell = (): void => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream!.on('data', (chunk) => {
      said += String(chunk);
      tell();
    });
  }
  let ended = false;
  child.on('close', () => {
    ended = true;
    tell();
  });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  /** Waits until the log holds a text, or until Gatus has ended. */
  const until = (text: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!text.test(said) && !ended) return;
        waiting.delete(look);
        resolve(said);
      };
      waiting.add(look);
      look();
    });
  return { child, log: () => said, until };
}
