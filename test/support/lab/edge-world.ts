import { connect, type Socket } from 'node:net';
import { connect as startTls, type TLSSocket } from 'node:tls';
import type { Built } from '../../../src/config/build/build.ts';
import { type KeyAndCertificate, makeCertificate } from '../../../src/node/certificate.ts';
import type { Checker } from '../checkers.ts';
import { type DnsAnswer, type DnsType, dnsQuery, readDns } from '../dns.ts';
import { fileOf, writePart } from '../edge-home.ts';
import { proxyHeader } from '../proxy-protocol.ts';
import { readTraefik } from '../traefik-reader.ts';
import { type RunningHaproxy, startHaproxy, startUnbound } from './edge.ts';
import { type Door, openDoor } from './front-door.ts';
import { addresses, makeHomeNetwork } from './network.ts';
import { openPlaces, type Places } from './places.ts';

/** The guests of the edge home that carry proxies, where its repo says. */
export const proxyGuests = {
  secsvcs: { address: '192.168.20.31', tailnet: '100.64.0.31' },
  homesvcs: { address: '192.168.20.32' },
  websvcs: { address: '192.168.20.41' },
} as const;
export type ProxyGuest = keyof typeof proxyGuests;

export type Call = {
  /** The name in TLS; null for none. */
  readonly sni: string | null;
  /** The name in HTTP; absent: the same. */
  readonly host?: string;
  /** Sent before TLS: a PROXY header that says who asks. */
  readonly pretend?: string;
};
export type Heard = { readonly status: number; readonly body: string; readonly certificate: string };

/** The edge home in namespaces: real HAProxy in `cloud`, real Unbound in `router`, and in each guest what Traefik would do. */
export type EdgeWorld = {
  readonly places: Places;
  readonly haproxy: RunningHaproxy;
  /** Asks from a place; null when the connection ends without an answer. */
  ask(place: string, host: string, port: number, call: Call): Promise<Heard | null>;
  /** TLS from a place; rejects when it does not come about. */
  tls(place: string, host: string, port: number, servername: string): Promise<TLSSocket>;
  /** Makes sure that HAProxy refuses what `open` sends, and that nothing is answered. */
  refused(open: (socket: Socket) => void, port?: 80 | 443): Promise<void>;
  dns(place: string, name: string, type: DnsType): Promise<DnsAnswer>;
  certificateOf(guest: ProxyGuest): string;
  /** Where what is listening on the public machine's own port 8420 leads to in this process. */
  leadTo(port: number): void;
  open(guest: ProxyGuest): Promise<void>;
  close(): Promise<void>;
};

export async function openEdgeWorld(
  built: Built,
  programs: { readonly haproxy: Checker; readonly unbound: Checker },
): Promise<EdgeWorld> {
  const cleanups: (() => void)[] = [];
  const cleanup = {
    after: (work: () => void): void => {
      cleanups.push(work);
      process.once('exit', work);
    },
  };
  const network = makeHomeNetwork({ guests: proxyGuests, tailnet: { ports: [8443] } });
  const places = openPlaces(network);
  const close = async (): Promise<void> => {
    await places.close();
    network.remove();
    for (const work of cleanups) {
      process.off('exit', work);
      work();
    }
  };
  try {
    const certificates = new Map<string, KeyAndCertificate>();
    for (const guest of Object.keys(proxyGuests)) {
      certificates.set(guest, await makeCertificate([guest], new Date()));
    }
    const open = (guest: ProxyGuest): Promise<void> =>
      places.open(guest, doorsOf(built, guest, certificates.get(guest)!));
    let own: number | null = null;
    const toOwn = (socket: Socket): void => {
      if (own === null) return void socket.destroy();
      const inner = connect(own, '127.0.0.1');
      inner.on('error', () => socket.destroy());
      socket.on('close', () => inner.destroy());
      socket.pipe(inner).pipe(socket);
    };
    await Promise.all([
      ...Object.keys(proxyGuests).map((guest) => open(guest as ProxyGuest)),
      places.open('cloud', { '127.0.0.1:8420': toOwn }),
      ...['phone', 'desk'].map((place) => places.open(place)),
    ]);

    const outside = ['interface: 203.0.113.10', 'access-control: 0.0.0.0/0 allow'];
    const answers = ['local-zone: "example.net." redirect', 'local-data: "example.net. A 203.0.113.10"'];
    const { haproxy: haproxyProgram, unbound } = programs;
    const world = writePart(cleanup, built, 'cloud');
    await startUnbound(places, 'cloud', world, unbound, { lines: [...outside, ...answers] });
    const router = [
      'interface: 192.168.20.1',
      'access-control: 192.168.20.0/24 allow',
      'do-not-query-localhost: no',
    ];
    await startUnbound(places, 'router', writePart(cleanup, built, 'router'), unbound, {
      includes: ['/etc/unbound/unbound.conf.d/writ.conf'],
      lines: router,
      sections: ['forward-zone:', '  name: "."', '  forward-addr: 203.0.113.10'],
    });
    const haproxy = await startHaproxy(places, 'cloud', world, haproxyProgram);

    const tls: EdgeWorld['tls'] = async (place, host, port, servername) =>
      handshake(await places.dial(place, host, port), servername);
    return {
      places,
      haproxy,
      tls,
      open,
      close,
      certificateOf: (guest) => certificates.get(guest)!.certificatePem,
      leadTo: (port) => {
        own = port;
      },
      async ask(place, host, port, { sni, host: name = sni ?? '', pretend }) {
        const socket = await places.dial(place, host, port);
        if (pretend !== undefined) socket.write(proxyHeader(pretend, host));
        const secure = await handshake(socket, sni).catch(() => null);
        if (secure === null) return null;
        secure.write(`GET /what HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
        const certificate = secure.getPeerX509Certificate()!.toString();
        const text = await untilClosed(secure);
        const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
        if (status === undefined) return null;
        return { status: Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4), certificate };
      },
      async refused(send, port = 443) {
        const row = port === 443 ? 'public/FRONTEND' : 'plain/FRONTEND';
        const before = Number(await haproxy.stat(row, 'dreq'));
        const socket = await places.dial('phone', addresses.cloud, port);
        const answered: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => answered.push(chunk));
        send(socket);
        await haproxy.until(row, 'dreq', (value) => Number(value) === before + 1);
        socket.destroy();
        if (answered.length > 0) throw new Error(`it was answered: ${Buffer.concat(answered)}`);
      },
      dns: async (place, name, type) =>
        readDns(await places.ask(place, '192.168.20.1', 53, dnsQuery(name, type))),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The entry points of a guest's Traefik, each answering as its files say: `ENTRY APP for CLIENT`. */
function doorsOf(built: Built, guest: string, certificate: KeyAndCertificate) {
  const text = (path: string): string => fileOf(built, guest, path);
  const traefik = readTraefik(text('/etc/traefik/traefik.yml'), text('/etc/traefik/dynamic/writ.yml'));
  const apps = new Map(
    built.home!.routes.map(({ app, upstream, scheme }) => [
      `${scheme}://${upstream!.host}:${upstream!.port}`,
      app,
    ]),
  );
  const doors = Object.entries(traefik.entryPoints)
    .filter(([entry]) => entry !== 'http')
    .map(([entryPoint, { port, trusted }]) => {
      const answer: Door['answer'] = ({ url, headers: { host } }, client, sni) => {
        const found = traefik.route({ entryPoint, sni, host: host ?? '', path: url ?? '/' });
        const app =
          found === null || found.kind === 'redirect' ? undefined : apps.get(found.servers[0] ?? '');
        return app === undefined
          ? { status: 404, body: '' }
          : { status: 200, body: `${entryPoint} ${app} for ${client}` };
      };
      return [
        `0.0.0.0:${port}`,
        openDoor({ certificate, trusts: (from) => trusted.includes(from), answer }),
      ] as const;
    });
  return Object.fromEntries(doors);
}

function handshake(socket: Socket, servername: string | null): Promise<TLSSocket> {
  const secure = startTls({ socket, rejectUnauthorized: false, ...(servername !== null && { servername }) });
  return new Promise((resolve, reject) => {
    secure.once('secureConnect', () => resolve(secure));
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** All that comes until the other side hangs up. */
export async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  try {
    for await (const chunk of socket) text += String(chunk);
  } catch {
    // An error, such as a write after the end, is a way to close as well.
  }
  return text;
}
