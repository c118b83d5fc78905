import { createServer, type Socket } from 'node:net';

/** A socket that systemd listens on and hands over (sd_listen_fds(3)); null when this was not started by one. */
export function handedSocket(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  return env.LISTEN_FDS === '1' && env.LISTEN_PID === String(pid) ? firstHandedFd : null;
}

const firstHandedFd = 3;
/** One more is closed at once. */
const maxConnections = 16;

/**
 * Serves connections on a socket that somebody else listens on, until nobody has asked for anything for a while, or it is
 * told to stop. Resolves once the last connection has ended. What comes meanwhile waits for the next start.
 */
export function serveUntilIdle(
  listen: { readonly fd: number } | { readonly path: string },
  options: {
    readonly idleMs: number;
    readonly stop: AbortSignal;
    /** Work of its own, which is not broken off by rest. */
    readonly meanwhile?: Promise<unknown>;
  },
  serve: (socket: Socket) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let serving = 0;
    let idle: NodeJS.Timeout | undefined;
    const during = (work: Promise<unknown>): void => {
      serving += 1;
      clearTimeout(idle);
      void work.finally(() => {
        serving -= 1;
        if (serving === 0 && server.listening) rest();
      });
    };
    const server = createServer((socket) => during(serve(socket)));
    server.maxConnections = maxConnections;
    const close = (): void => {
      clearTimeout(idle);
      options.stop.removeEventListener('abort', close);
      server.close(() => void Promise.resolve(options.meanwhile).finally(resolve));
    };
    const rest = (): void => {
      idle = setTimeout(close, options.idleMs);
    };
    server.once('error', reject);
    server.listen(listen, () => during(options.meanwhile ?? Promise.resolve()));
    if (options.stop.aborted) close();
    else options.stop.addEventListener('abort', close);
  });
}
