import { rmSync } from 'node:fs';

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
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
  // What was killed a moment ago may still be writing: then the folder is not empty at once.
  rmSync(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  process.exit(0);
});
// Ctrl-C reaches the whole group; this one waits for what the demo does.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
