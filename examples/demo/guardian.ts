import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/*
 * Cleans up behind a demo that was killed so hard that it could not do so itself: `guardian.ts DIR`. It is told the
 * processes of the demo as they come and go. When the demo is gone without a word, it ends them and removes DIR.
 */

export type GuardianNews = { readonly pid: number; readonly alive: boolean } | { readonly done: true };

const [directory] = process.argv.slice(2) as [string];
const pids = new Set<number>();

process.on('message', (message) => {
  const news = message as GuardianNews;
  if ('done' in news) process.exit(0);
  if (news.alive) pids.add(news.pid);
  else pids.delete(news.pid);
});
process.on('disconnect', () => {
  void cleanUp().then(() => process.exit(0));
});

/** A process may have been started so late that nobody told of it; it makes its folders anew. */
async function cleanUp(): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const late = processesOf(directory);
    for (const pid of [...pids, ...late]) end(pid);
    pids.clear();
    quiet = late.length === 0 && !existsSync(directory) ? quiet + 1 : 0;
    // What was killed a moment ago may still be writing: then the folder is not empty at once.
    rmSync(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
    await setTimeout(200);
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

/** Other processes of this Node whose command line names a folder. */
const processesOf = (folder: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return words[0] === process.execPath && words.some((word) => word.startsWith(folder));
      } catch {
        return false;
      }
    })
    .map(Number);
// Ctrl-C reaches the whole group; this one waits for what the demo does.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
