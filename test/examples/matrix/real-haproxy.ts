import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Checker } from '../../support/checkers.ts';
import { rootedHaproxy } from '../../support/checkers.ts';
import { freePort } from '../../support/traefik-program.ts';

export type RealHaproxy = {
  /** The server, as the configuration has it, that gets a hello with this name; null where none does. */
  pass(name: string): Promise<{ readonly server: string; readonly proxied: boolean } | null>;
  close(): Promise<void>;
};

const proxySignature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/**
 * Starts HAProxy on loopback with a machine's files. Each of its servers is a listener here that tells its address.
 * What differs from the machine: ports and addresses, no change of root or user, a reset where it would be silent,
 * so that a refusal can be seen, and no limit of connections from one source.
 */
export async function startHaproxy(
  { argv }: Checker,
  files: ReadonlyMap<string, string>,
  config: string,
): Promise<RealHaproxy> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-haproxy-'));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const [door, plain] = [await freePort(), await freePort()];
  const listeners = new Map<string, Awaited<ReturnType<typeof listen>>>();
  const text = files.get(config)!;
  for (const [, server] of text.matchAll(/^ +server \S+ (\S+)/gm))
    listeners.set(server!, await listen(server!));
  const local = text
    .replaceAll(/^ +(chroot|user|group) .*\n/gm, '')
    .replaceAll(/(?<=^ +server \S+ )\S+/gm, (server) => `127.0.0.1:${listeners.get(server)!.port}`)
    .replace('bind *:443', `bind 127.0.0.1:${door}`)
    .replace('bind *:80', `bind 127.0.0.1:${plain}`)
    .replaceAll('silent-drop', 'reject')
    .replaceAll(/(sc0_conn_\w+ gt) \d+/g, '$1 1000000');
  const path = join(folder, config);
  writeFileSync(path, rootedHaproxy(folder, local));
  const child = spawn(argv[0]!, [...argv.slice(1), '-db', '-f', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    for (const { server } of listeners.values()) server.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const deadline = AbortSignal.timeout(20_000);
  while (!(await canConnect(door))) {
    if (!deadline.aborted && child.exitCode === null) continue;
    await close();
    throw new Error(`HAProxy does not start: ${said}`);
  }
  return {
    pass: async (name) => {
      const answer = await exchange(door, await helloOf(name));
      return answer === '' ? null : (JSON.parse(answer) as { server: string; proxied: boolean });
    },
    close,
  };
}

/** A server that tells which one it is, and whether a PROXY header came, when anything does. */
async function listen(name: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data: Buffer) => {
      const proxied = data.subarray(0, proxySignature.length).equals(proxySignature);
      socket.end(JSON.stringify({ server: name, proxied }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const done = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return done;
}

/** The first bytes of a TLS connection to a name. */
async function helloOf(servername: string): Promise<Buffer> {
  const [ours, theirs] = duplexPair();
  const client = connectTls({ socket: ours, servername });
  client.on('error', () => {});
  const [hello] = (await once(theirs, 'data')) as [Buffer];
  client.destroy();
  return hello;
}

/** What comes back until the connection ends, or is reset. */
async function exchange(port: number, bytes: Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let heard = '';
  socket.on('data', (chunk) => (heard += String(chunk)));
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return heard;
}
