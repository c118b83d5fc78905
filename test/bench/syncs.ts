import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, figure, unmeasured } from './figure.ts';
import { guestCount, startWritHome } from './writ-home.ts';

const warmUp = 60;
const alone = 60;
const atOnce = 32;
const waves = 8;

/**
 * How often stable storage is asked for, counted by strace: over both processes with one order at a time, and on
 * the server alone with many. Counts hardly depend on how fast the machine is.
 */
export async function syncsPerJob(folder: string): Promise<Figure[]> {
  if (spawnSync('strace', ['-V']).status !== 0) {
    return [
      unmeasured('syncs_per_job_alone', 'fsync', 'strace is not installed'),
      unmeasured('commits_per_job_at_32', 'fsync', 'strace is not installed'),
    ];
  }
  const traces = { server: join(folder, 'server.trace'), relay: join(folder, 'relay.trace') };
  const under = (file: string): string[] => [
    ...['strace', '--seccomp-bpf', '-f', '-q', '-e', 'trace=fsync,fdatasync', '-o', file],
  ];
  const home = await startWritHome({
    folder,
    underServer: under(traces.server),
    underRelay: under(traces.relay),
  });
  const phone = home.phone();
  const count = (file: string): number => readFileSync(file, 'utf8').split(/f(?:data)?sync\(/).length - 1;
  try {
    for (let job = 0; job < warmUp; job += 1) await phone.start('guest0');
    const before = count(traces.server) + count(traces.relay);
    for (let job = 0; job < alone; job += 1) await phone.start(`guest${job % guestCount}`);
    const single = (count(traces.server) + count(traces.relay) - before) / alone;

    const crowd = Array.from({ length: atOnce }, () => home.phone());
    const wave = (): Promise<unknown> => Promise.all(crowd.map((one, index) => one.start(`guest${index}`)));
    await wave();
    const beforeWaves = count(traces.server);
    for (let index = 0; index < waves; index += 1) await wave();
    const many = (count(traces.server) - beforeWaves) / (waves * atOnce);
    for (const one of crowd) one.close();
    const note = 'server and relay, one order at a time, without pause';
    return [
      figure('syncs_per_job_alone', single, { atMost: 4.1 }, 'fsync', note),
      figure('commits_per_job_at_32', many, { atMost: 0.5 }, 'fsync', 'server, 32 orders at once'),
    ];
  } finally {
    phone.close();
    await home.stop();
  }
}
