import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Checker, rootedHaproxy, unboundConfig } from '../checkers.ts';
import type { Places, Program } from './places.ts';

/** A running HAProxy of the release, and what it says of itself. */
export type RunningHaproxy = Program & {
  /** Its counters: by `proxy/server`, or `proxy/FRONTEND`, a column of `show stat`. */
  stat(row: string, column: string): Promise<string>;
  /** Looks until it is so. */
  until(row: string, column: string, wanted: (value: string) => boolean): Promise<void>;
  /** Its answer to a line on its socket. */
  tell(line: string): Promise<string>;
};

const lookEveryMs = 25;
const lookForMs = 20_000;

/**
 * Starts HAProxy in a place on a machine's files.
 *
 * @param folder what the release puts below `/` there; the configuration has `stats: /run/haproxy.sock`
 */
export async function startHaproxy(
  places: Places,
  place: string,
  folder: string,
  { argv }: Checker,
): Promise<RunningHaproxy> {
  const config = join(folder, 'running.cfg');
  mkdirSync(join(folder, 'run'), { recursive: true });
  writeFileSync(config, rootedHaproxy(folder, readFileSync(join(folder, 'etc/haproxy/haproxy.cfg'), 'utf8')));
  const socket = join(folder, 'run/haproxy.sock');
  // It says nothing when it is ready, so that its socket is asked.
  const program = await places.start(place, [...argv, '-db', '-f', config], null);
  const ask = async (): Promise<Map<string, Record<string, string>>> => {
    const text = await tell(socket, 'show stat');
    const [head, ...rows] = text.trim().split('\n');
    const columns = head!.replace(/^# /, '').split(',');
    return new Map(
      rows.map((row) => {
        const values = row.split(',');
        return [
          `${values[0]}/${values[1]}`,
          Object.fromEntries(columns.map((name, i) => [name, values[i] ?? ''])),
        ];
      }),
    );
  };
  const stat = async (row: string, column: string): Promise<string> => {
    const value = (await ask()).get(row)?.[column];
    if (value === undefined) throw new Error(`HAProxy has no ${column} of ${row}`);
    return value;
  };
  const until: RunningHaproxy['until'] = async (row, column, wanted) => {
    const end = Date.now() + lookForMs;
    for (;;) {
      const value = await stat(row, column).catch((error: Error) => error.message);
      if (wanted(value)) return;
      if (Date.now() > end) throw new Error(`${column} of ${row} stays ${value}: ${program.text()}`);
      await pause(lookEveryMs);
    }
  };
  await until('public/FRONTEND', 'status', (value) => value === 'OPEN');
  return { ...program, stat, until, tell: (line) => tell(socket, line) };
}

async function tell(path: string, line: string): Promise<string> {
  const socket = connect(path);
  socket.setEncoding('utf8');
  await once(socket, 'connect');
  socket.write(`${line}\n`);
  let text = '';
  for await (const chunk of socket) text += chunk as string;
  return text;
}

/** What a machine's unbound.conf has beside the release's fragments. */
export type UnboundMore = {
  readonly includes?: readonly string[];
  /** In `server:`. */
  readonly lines: readonly string[];
  /** Sections of their own. */
  readonly sections?: readonly string[];
};

/** Starts Unbound in a place. */
export function startUnbound(
  places: Places,
  place: string,
  folder: string,
  { argv }: Checker,
  { includes = [], lines, sections = [] }: UnboundMore,
): Promise<Program> {
  const config = join(folder, 'running.conf');
  const fragments = includes.map((path) => join(folder, path));
  const text = unboundConfig(folder, fragments, ['verbosity: 1', ...lines]);
  writeFileSync(config, [text, ...sections, ''].join('\n'));
  return places.start(place, [...argv, '-d', '-c', config], /start of service/);
}
