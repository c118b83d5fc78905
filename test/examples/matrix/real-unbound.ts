import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Checker, unboundConfig } from '../../support/checkers.ts';
import { type DnsAnswer, dnsQuery, readDns } from '../../support/dns.ts';
import { freePort } from '../../support/traefik-program.ts';

export type RealUnbound = { ask(name: string): Promise<DnsAnswer>; close(): Promise<void> };

/** What the internet's DNS says of every name, where Unbound asks it. */
export const outsideAddress = '203.0.113.10';

/** Starts Unbound on loopback with a generated zone; what it asks outside, a server here answers. */
export async function startUnbound({ argv }: Checker, zone: string): Promise<RealUnbound> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-unbound-'));
  const [outside, port] = [await answerAll(), await freePort()];
  writeFileSync(join(folder, 'zone.conf'), zone);
  const text = unboundConfig(
    folder,
    [join(folder, 'zone.conf')],
    ['interface: 127.0.0.1', `port: ${port}`, 'do-not-query-localhost: no', 'do-ip6: no'],
  );
  const forward = [
    'forward-zone:',
    '  name: "."',
    `  forward-addr: 127.0.0.1@${(outside.address() as AddressInfo).port}`,
    '',
  ].join('\n');
  writeFileSync(join(folder, 'unbound.conf'), text + forward);
  const child = spawn(argv[0]!, [...argv.slice(1), '-d', '-c', join(folder, 'unbound.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    outside.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const ask = async (name: string): Promise<DnsAnswer> => {
    const deadline = AbortSignal.timeout(20_000);
    for (;;) {
      const answer = await exchange(port, dnsQuery(name, 'A'));
      if (answer !== null) return readDns(answer);
      if (deadline.aborted || child.exitCode !== null) {
        await close();
        throw new Error(`Unbound does not answer: ${said}`);
      }
    }
  };
  return { ask, close };
}

/** One question and its answer; null when nothing listens there yet, or nothing comes. */
async function exchange(port: number, query: Buffer): Promise<Buffer | null> {
  const socket = createSocket('udp4');
  try {
    // Connected, it is told when nobody listens.
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.send(query);
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(2000) })) as [Buffer];
    return answer;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

/** The internet's DNS: one address for every name. */
async function answerAll(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, { port, address }) => {
    // Behind the header of 12 bytes the labels of the name, then its type and class.
    let end = 12;
    while (query[end] !== 0) end += query[end]! + 1;
    const question = query.subarray(12, end + 5);
    const header = Buffer.from([query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...outsideAddress.split('.').map(Number)];
    socket.send(Buffer.concat([header, question, Buffer.from(record)]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
