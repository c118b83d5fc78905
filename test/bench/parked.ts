import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { SecretJwk } from '../../schema/jose/keys.ts';
import { type Figure, figure, quantile, timed } from './figure.ts';
import type { ParkedHome } from './park-main.ts';
import { startPart } from './part.ts';
import { startWritHome, type WritHome } from './writ-home.ts';

/** Trust holds an identity for each relay, and has a limit of 1 MiB: 10,000 do not fit. */
const crowds = [
  { relays: 1_000, cpu: { atMost: 2 }, memory: { atMost: 20, unit: 'KB a relay' } },
  { relays: 5_000, cpu: { atMost: 10 }, memory: { atMost: 200, unit: 'MB' } },
] as const;

/** Long enough for each to poll once. */
const watchMs = 45_000;
/** The first polls end, sessions are entered, memory is collected. */
const settleMs = 10_000;
const rounds = 10;
const perRound = 20;

/** What relays that only wait cost the control plane, and what they cost a job of another. */
export async function parkedRelays(folder: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { relays, cpu, memory } of crowds) {
    const names = Array.from({ length: relays }, (_, index) => `r${index}`);
    const home = await startWritHome({ folder, parked: names });
    const phone = home.phone();
    try {
      for (let job = 0; job < 100; job += 1) await phone.start('guest0');
      const alone: number[] = [];
      for (let job = 0; job < rounds * perRound; job += 1)
        alone.push(await timed(() => phone.start('guest1')));
      await pause(settleMs);
      const before = rssBytes(home.server.pid);
      const crowd = await park(home, names);
      await pause(settleMs);
      const grown = rssBytes(home.server.pid) - before;
      const startedMs = cpuMs(home.server.pid);
      await pause(watchMs);
      const share = ((cpuMs(home.server.pid) - startedMs) / watchMs) * 100;
      figures.push(figure(`parked_${relays}_cpu`, share, cpu, '% of a core', `over ${watchMs / 1000} s`));
      const size = memory.unit === 'MB' ? grown / 1e6 : grown / 1e3 / relays;
      figures.push(
        figure(
          `parked_${relays}_memory`,
          size,
          { atMost: memory.atMost },
          memory.unit,
          'RSS over that of none',
        ),
      );
      if (relays === crowds[0].relays) {
        const among: number[] = [];
        for (let job = 0; job < rounds * perRound; job += 1)
          among.push(await timed(() => phone.start('guest1')));
        const ratio = quantile(among, 0.5) / quantile(alone, 0.5);
        figures.push(
          figure(`parked_${relays}_dispatch`, ratio, { atMost: 1.3 }, '× unparked', 'p50 of a job'),
        );
      }
      await crowd.stop();
    } finally {
      phone.close();
      await home.stop();
    }
  }
  return figures;
}

async function park(home: WritHome, names: readonly string[]) {
  const { callers } = home;
  const document = callers.home.trust().document;
  const parked: ParkedHome = {
    home: callers.home.id,
    origin: document.origins[0]!,
    trustVersion: document.version,
    keys: names.map((name): SecretJwk => callers.home.relays[name]!.secret),
  };
  return startPart(join(import.meta.dirname, 'park-main.ts'), [], { input: `${JSON.stringify(parked)}\n` });
}

/** Processor time of a process so far (proc_pid_stat(5): fields 14 and 15, in clock ticks). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticksPerS = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerS;
}

/** Resident memory of a process, which the kernel tells in kB. */
export function rssBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1024;
}
