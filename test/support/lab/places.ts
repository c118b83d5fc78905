import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstLine } from './first-line.ts';
import type { HomeNetwork } from './network.ts';

/** Namespaces of a home's network as seen from one process: it can call from any, and answer in any. */
export type Places = {
  /** Opens a bridge in a place; `serve` names what answers there, by `ADDRESS:PORT`. */
  open(
    place: string,
    serve?: Readonly<Record<string, (socket: Socket, from: string) => void>>,
  ): Promise<void>;
  /** Takes the bridge of a place away: what answered there does so no longer. */
  shut(place: string): Promise<void>;
  /** A TCP connection from a place; rejects with the system's code, such as `ECONNREFUSED`. */
  dial(place: string, host: string, port: number): Promise<Socket>;
  /** Sends a datagram from a place, and waits for the answer. */
  ask(place: string, host: string, port: number, payload: Buffer): Promise<Buffer>;
  /** Starts a real program in a place; `ready` is what it prints when it can be used, null where it prints nothing. */
  start(place: string, argv: readonly string[], ready: RegExp | null): Promise<Program>;
  close(): Promise<void>;
};

export type Program = { readonly text: () => string; stop(): Promise<void> };

const startMs = 60_000;

/**
 * Runs its arguments, and kills the program when standard input ends: with this process at the latest, however that
 * ends.
 */
const guard =
  'exec 3<&0; "$@" </dev/null & program=$!; { cat <&3 >/dev/null; kill -9 $program; } & wait $program';

export function openPlaces(network: HomeNetwork): Places {
  const folder = mkdtempSync(join(tmpdir(), 'writ-places-'));
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  const children = new Set<ChildProcess>();
  const bridges = new Map<string, Program>();
  const servers = new Map<string, Server[]>();
  const sockets = new Set<Socket>();

  const stop = async (child: ChildProcess): Promise<void> => {
    children.delete(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin!.end();
    await ended;
  };

  const start: Places['start'] = async (place, argv, ready) => {
    const child = spawn('ip', ['netns', 'exec', network.netns(place), 'sh', '-c', guard, 'sh', ...argv], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    children.add(child);
    let text = '';
    const usable = Promise.withResolvers<void>();
    const late = setTimeout(() => usable.reject(new Error(`${argv[0]} is not ready: ${text}`)), startMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (ready?.test(text)) usable.resolve();
      });
    }
    if (ready === null) child.once('spawn', usable.resolve);
    child.once('error', usable.reject);
    child.once('exit', (code) => usable.reject(new Error(`${argv[0]} ended with ${code}: ${text}`)));
    try {
      await usable.promise;
    } finally {
      clearTimeout(late);
    }
    return { text: () => text, stop: () => stop(child) };
  };

  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };

  const call = (place: string, line: string): Socket => {
    const socket = track(connect({ path: join(folder, `${place}.sock`), allowHalfOpen: true }));
    socket.write(`${line}\n`);
    return socket;
  };

  return {
    start,
    async open(place, serve = {}) {
      const words: string[] = [];
      const own: Server[] = [];
      servers.set(place, own);
      rmSync(join(folder, `${place}.sock`), { force: true });
      for (const [at, answer] of Object.entries(serve)) {
        const path = join(folder, `${place}-${at.replace(':', '-')}.sock`);
        const server = createServer({ allowHalfOpen: true }, (socket) => {
          void firstLine(track(socket)).then(
            (from) => answer(socket, from.split(' ')[0]!),
            () => {},
          );
        });
        own.push(server);
        server.listen(path);
        await once(server, 'listening');
        words.push(`${at}=${path}`);
      }
      const argv = [
        process.execPath,
        join(import.meta.dirname, 'bridge-main.ts'),
        join(folder, `${place}.sock`),
      ];
      bridges.set(place, await start(place, [...argv, ...words], /ready\n/));
    },
    async shut(place) {
      await bridges.get(place)?.stop();
      for (const server of servers.get(place) ?? []) server.close();
    },
    async dial(place, host, port) {
      const socket = call(place, `tcp ${host} ${port}`);
      const said = await firstLine(socket);
      if (said === 'connected') return socket;
      socket.destroy();
      throw Object.assign(new Error(`${place} does not reach ${host}:${port}: ${said}`), { code: said });
    },
    async ask(place, host, port, payload) {
      const socket = call(place, `udp ${host} ${port} ${payload.toString('base64')}`);
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      socket.destroy();
      return Buffer.concat(chunks);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      for (const server of [...servers.values()].flat()) server.close();
      await Promise.all([...children].map(stop));
      remove();
    },
  };
}
