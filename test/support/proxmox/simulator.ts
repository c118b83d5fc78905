import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createApi, type Outcome } from './api.ts';
import { makeServerCertificate, type ServerCertificate } from './certificate.ts';
import { createFaults, type Faults } from './faults.ts';
import { createGuests, type Guest } from './guests.ts';
import { realClock, type SimulatorEvent, type SimulatorOptions } from './options.ts';
import type { Machine } from './route.ts';
import { createTasks, type Task } from './tasks.ts';

/** One request that reached the API, whatever came of it. */
export type RequestRecord = {
  readonly atMs: number;
  readonly method: string;
  /** Below `/api2/json`, decoded, without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** `USER@REALM!TOKENID`, when it is a known one. */
  readonly user?: string;
  readonly status: number;
};

/** A Proxmox VE node over real HTTPS. */
export type ProxmoxSimulator = {
  /** `https://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  readonly node: string;
  /** Of the certificate in force: `sha256:<hex>`, by SubjectPublicKeyInfo and whole. */
  readonly pins: ServerCertificate['pins'];
  readonly certPem: string;
  readonly poweredOn: boolean;
  guest(vmid: number): Guest;
  readonly guests: readonly Guest[];
  readonly tasks: readonly Task[];
  readonly requests: readonly RequestRecord[];
  readonly events: readonly SimulatorEvent[];
  /** What was not as the official schema says; always empty without a schema. */
  readonly violations: readonly string[];
  readonly faults: Faults;
  /** Error answers as before libpve-http-server-perl 5.2.0: `{"data":null}`, the reason in the status line. */
  oldErrorBodies: boolean;
  /** Resolves with the first event of that kind from now on. */
  nextEvent(kind: SimulatorEvent['kind'], vmid?: number): Promise<SimulatorEvent>;
  /** Listens again, on the same port; guests with `onboot` are started. */
  powerOn(): Promise<void>;
  /** Cuts every connection and stops listening; guests that still run lose their power. */
  powerOff(): Promise<void>;
  /** Gives the server another key and certificate and cuts every connection. */
  changeCertificate(): Promise<void>;
  /** For good. */
  close(): Promise<void>;
};

const maxBodyBytes = 512 * 1024;

/** Starts the simulator; `guests` marked as running run at once, unless the machine is off. */
export async function startProxmoxSimulator(options: SimulatorOptions): Promise<ProxmoxSimulator> {
  const { node } = options;
  const clock = options.clock ?? realClock;
  const events: SimulatorEvent[] = [];
  const listeners = new Set<(event: SimulatorEvent) => void>();
  const requests: RequestRecord[] = [];
  const violations: string[] = [];
  const sockets = new Set<Socket>();
  const timers = new Set<() => void>();
  const faults = createFaults();
  let certificate = options.certificate ?? (await makeServerCertificate(node));
  let server: Server | undefined;
  let port = options.port ?? 0;
  let bootedAt = clock.now();
  let goingDown = false;
  let closed = false;

  const emit = (kind: SimulatorEvent['kind'], vmid?: number): void => {
    const event = { atMs: clock.now(), kind, ...(vmid !== undefined && { vmid }) };
    events.push(event);
    options.onEvent?.(event);
    for (const listener of [...listeners]) listener(event);
  };
  const later = (ms: number, callback: () => void): void => {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      callback();
    });
    timers.add(cancel);
  };

  const tasks = createTasks(node, clock);
  const guests = createGuests({
    specs: options.guests,
    clock,
    configLockWaitMs: options.configLockWaitMs ?? 10_000,
    emit,
  });

  const machine: Machine = {
    node,
    guests,
    tasks,
    agentWaitMs: options.agentWaitMs ?? 50,
    now: () => clock.now(),
    bootedAt: () => bootedAt,
    wait: (ms) => new Promise((resolve) => later(ms, resolve)),
    nodeCommand(command) {
      if (goingDown) return;
      goingDown = true;
      later(options.powerOffDelayMs ?? 20, () => {
        // The node's own shutdown ends the guests one by one; how long that takes is not simulated.
        for (const guest of guests.all()) guests.halt(guest, 'guest_stopped_by_node');
        void powerOff().then(async () => {
          if (command === 'shutdown') return options.onPowerOff?.();
          if (options.onReboot !== undefined) return options.onReboot();
          if (!closed) await powerOn();
        });
      });
    },
  };

  const decide = createApi({
    machine,
    unauthorizedDelayMs: options.unauthorizedDelayMs ?? 0,
    oldErrorBodies: () => api.oldErrorBodies,
    schema: options.schema,
    violation: (text) => violations.push(text),
  });

  const powerOff = async (): Promise<void> => {
    if (server === undefined) return;
    const stopping = server;
    server = undefined;
    tasks.killAll();
    for (const cancel of timers) cancel();
    timers.clear();
    for (const guest of guests.all()) {
      guests.halt(guest, 'guest_cut');
      guest.configQueue = Promise.resolve();
    }
    const ended = new Promise<void>((resolve) => stopping.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await ended;
    goingDown = false;
    emit('powered_off');
  };

  const powerOn = async (): Promise<void> => {
    if (server !== undefined) return;
    if (closed) throw new Error('the simulator is closed');
    const starting = createServer(
      { cert: certificate.certPem, key: certificate.keyPem },
      (request, response) => {
        answer(request, response).catch((error: unknown) => {
          violations.push(`the simulator failed: ${error instanceof Error ? error.stack : String(error)}`);
          response.destroy();
        });
      },
    );
    starting.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    });
    starting.on('tlsClientError', () => {});
    // As pveproxy does.
    starting.keepAliveTimeout = 5_000;
    server = starting;
    await new Promise<void>((resolve, reject) => {
      starting.once('error', reject);
      starting.listen(port, '127.0.0.1', () => resolve());
    });
    ({ port } = starting.address() as AddressInfo);
    bootedAt = clock.now();
    emit('powered_on');
    for (const guest of guests.all()) if (guest.spec.onboot && !guest.running) guests.boot(guest);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://127.0.0.1');
    const path = url.pathname.startsWith('/api2/json/') ? url.pathname.slice('/api2/json'.length) : '/-';
    const method = request.method ?? 'GET';
    const body = await readBody(request, options.maxBodyBytes ?? maxBodyBytes).catch(() => undefined);
    if (body === undefined) return;
    const fault = faults.take(method, path);
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'slow') await machine.wait(fault.ms);

    const form = new URLSearchParams(body === 'too large' ? '' : body);
    const params = { ...Object.fromEntries(url.searchParams), ...Object.fromEntries(form) };
    const lists = Object.fromEntries([...form.keys()].map((name) => [name, form.getAll(name)]));
    const token = options.tokens.find(
      ({ token }) => request.headers.authorization === `PVEAPIToken=${token}`,
    );
    const user = token?.token.split('=')[0];
    const outcome: Outcome =
      body === 'too large'
        ? { status: 501, reason: 'for data too large', body: 'for data too large' }
        : await decide({ method, path, params, lists, token, fault });
    const { status, reason } = outcome;
    requests.push({
      atMs: clock.now(),
      method,
      path: decodeURIComponent(path),
      params,
      ...(user !== undefined && { user }),
      status,
    });
    if (request.socket.destroyed) return;
    if (fault?.kind === 'lost_answer') return void request.socket.destroy();
    response.sendDate = false;
    const headers: Record<string, string> = {
      'cache-control': 'max-age=0',
      pragma: 'no-cache',
      server: 'pve-api-daemon/3.0',
    };
    if (outcome.body !== '') headers['content-type'] = 'application/json;charset=UTF-8';
    if (status >= 400) headers.connection = 'close';
    response.writeHead(status, reason, headers);
    if (fault?.kind === 'drip') {
      const drip = (): void => {
        if (response.destroyed) return;
        response.write(' ');
        later(fault.everyMs, drip);
      };
      response.write('{"data":');
      return drip();
    }
    if (fault?.kind === 'huge') return void response.end(`{"data":"${'x'.repeat(fault.bytes)}"}`);
    if (fault?.kind === 'garbage') return void response.end('{"data":{"status":"runn');
    response.end(outcome.body);
  };

  const api: ProxmoxSimulator = {
    get url() {
      return `https://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    node,
    get pins() {
      return certificate.pins;
    },
    get certPem() {
      return certificate.certPem;
    },
    get poweredOn() {
      return server !== undefined;
    },
    guest(vmid) {
      const guest = guests.all().find(({ spec }) => spec.vmid === vmid);
      if (guest === undefined) throw new Error(`the simulator has no guest ${vmid}`);
      return guest;
    },
    guests: guests.all(),
    get tasks() {
      return tasks.all();
    },
    requests,
    events,
    violations,
    faults,
    oldErrorBodies: false,
    nextEvent: (kind, vmid) =>
      new Promise((resolve) => {
        const listener = (event: SimulatorEvent): void => {
          if (event.kind !== kind || (vmid !== undefined && event.vmid !== vmid)) return;
          listeners.delete(listener);
          resolve(event);
        };
        listeners.add(listener);
      }),
    powerOn,
    powerOff,
    async changeCertificate() {
      certificate = await makeServerCertificate(node);
      server?.setSecureContext({ cert: certificate.certPem, key: certificate.keyPem });
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      closed = true;
      await powerOff();
    },
  };

  await powerOn();
  if (options.poweredOn === false) {
    await powerOff();
    events.length = 0;
  } else {
    for (const guest of guests.all()) if (guest.spec.running && !guest.running) guests.boot(guest);
    // What ran before the test began has been running for long, agents and all.
    for (const guest of guests.all()) {
      if (guest.running && guest.spec.agent?.answersAfterMs !== Number.POSITIVE_INFINITY) {
        guest.agentFrom = guest.spec.agent?.enabled ? 0 : Number.POSITIVE_INFINITY;
      }
    }
  }
  return api;
}

/** The whole body, or the words of the refusal when it is over Proxmox VE's cap; rejects when the client goes. */
async function readBody(request: IncomingMessage, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= most) chunks.push(chunk as Buffer);
  }
  return size > most ? 'too large' : Buffer.concat(chunks).toString('utf8');
}
