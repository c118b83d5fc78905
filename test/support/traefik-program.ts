import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** The version of the `traefik` on this machine, or null. */
export function findTraefik(): string | null {
  const asked = spawnSync('traefik', ['version'], { encoding: 'utf8' });
  return asked.status === 0 ? (/^Version:\s+(\S+)/m.exec(asked.stdout)?.[1] ?? 'unknown') : null;
}

/** A port of loopback that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts Traefik with a static configuration; `log` gathers what it says. */
export function startTraefik(configFile: string): { readonly child: ChildProcess; log(): string } {
  const child = spawn('traefik', [`--configFile=${configFile}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  return { child, log: () => said };
}

export type Asked = {
  readonly port: number;
  readonly sni: string;
  readonly ca: string;
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The client's address in a PROXY header before the hello. */
  readonly proxied?: string;
};

/** Asks over TLS on loopback; the status and the body, or null when the connection is turned away. */
export async function askTls({
  port,
  sni,
  ca,
  host = sni,
  path = '/',
  method = 'GET',
  headers = {},
  proxied,
}: Asked) {
  const socket: Socket = connect(port, '127.0.0.1');
  const tls = await new Promise<Socket | null>((resolve) => {
    socket.once('error', () => resolve(null));
    socket.once('connect', () => {
      if (proxied !== undefined) socket.write(`PROXY TCP4 ${proxied} 127.0.0.1 50000 443\r\n`);
      const secured = connectTls({ socket, servername: sni, ca, ALPNProtocols: ['http/1.1'] }, () =>
        resolve(secured),
      );
      secured.once('error', () => resolve(null));
      secured.once('close', () => resolve(null));
    });
  });
  if (tls === null) return null;
  const lines = Object.entries({ Host: host, Connection: 'close', ...headers }).map(
    ([key, one]) => `${key}: ${one}\r\n`,
  );
  tls.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const chunks: Buffer[] = [];
  tls.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => tls.once('close', resolve).once('error', resolve));
  const text = Buffer.concat(chunks).toString();
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  if (status === 0) return null;
  return { status, body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}
