import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { makeServerCertificate, type ServerCertificate } from './certificate.ts';
import { createFaults, type Fault, type Faults } from './faults.ts';
import { createGuests, type Guest } from './guests.ts';
import { realClock, type SimulatorEvent, type SimulatorOptions, type TokenSpec } from './options.ts';
import { apiError, isApiError, type Machine } from './route.ts';
import { findRoute } from './routes.ts';
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
  changeCertificate(): void;
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
  let certificate = makeServerCertificate(node);
  let server: Server | undefined;
  let port = options.port ?? 0;
  let bootedAt = clock.now();
  let goingDown = false;
  let closed = false;

  const emit = (kind: SimulatorEvent['kind'], vmid?: number): void => {
    const event = { atMs: clock.now(), kind, ...(vmid !== undefined && { vmid }) };
    events.push(event);
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
    const path = url.pathname.replace(/^\/api2\/json/, '');
    const method = request.method ?? 'GET';
    const body = await readBody(request);
    const fault = faults.take(method, path);
    if (fault?.kind === 'cut') return void request.socket.destroy();
    if (fault?.kind === 'silent') return;
    if (fault?.kind === 'slow') await machine.wait(fault.ms);

    const user = options.tokens.find(({ token }) => request.headers.authorization === `PVEAPIToken=${token}`);
    const userId = user?.token.split('=')[0];
    const outcome = await decide(method, url, path, body, user, fault);
    const { status, reason } = outcome;
    requests.push({
      atMs: clock.now(),
      method,
      path: decodeURIComponent(path),
      params: paramsOf(url, body),
      ...(userId !== undefined && { user: userId }),
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

  type Outcome = { status: number; reason: string; body: string };

  const errorOutcome = (
    status: number,
    message: string,
    errors?: Readonly<Record<string, string>>,
  ): Outcome => ({
    status,
    reason: message.split('\n')[0] ?? '',
    body: JSON.stringify({
      data: null,
      ...(!api.oldErrorBodies && { message }),
      ...(errors && { errors }),
    }),
  });

  const decide = async (
    method: string,
    url: URL,
    path: string,
    body: Buffer | undefined,
    token: TokenSpec | undefined,
    fault: Fault | undefined,
  ): Promise<Outcome> => {
    if (fault?.kind === 'answer') {
      return { status: fault.status, reason: fault.reason, body: fault.body ?? '' };
    }
    if (body === undefined) return { status: 501, reason: 'for data too large', body: 'for data too large' };
    if (token === undefined) {
      await machine.wait(options.unauthorizedDelayMs ?? 0);
      return { status: 401, reason: 'Authentication failed!', body: '' };
    }
    const params = paramsOf(url, body);
    const found = findRoute(method, path);
    if (found === undefined || !url.pathname.startsWith('/api2/json/')) {
      return errorOutcome(501, `Method '${method} ${path}' not implemented`);
    }
    const faultsOfSchema = options.schema?.request(method, path, params) ?? [];
    violations.push(...faultsOfSchema.map((text) => `${method} ${path}: ${text}`));
    try {
      const { route, parts } = found;
      const may = (on: string, anyOf: readonly string[]) => allows(token, on, anyOf);
      if (route.needs !== undefined) {
        const on = route.needs.on.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? '');
        if (!may(on, route.needs.anyOf)) {
          throw apiError(403, `Permission check failed (${on}, ${route.needs.anyOf.join('|')})\n`);
        }
      }
      if (parts.node !== undefined && parts.node !== node) {
        const why = 'failed to get address info for';
        throw apiError(
          500,
          `hostname lookup '${parts.node}' failed - ${why}: ${parts.node}: Name or service not known\n`,
        );
      }
      const wrong: Record<string, string> = {};
      for (const [name, value] of Object.entries(params)) {
        const pattern = route.params?.[name];
        if (pattern === undefined) {
          wrong[name] =
            'property is not defined in schema and the schema does not allow additional properties';
        } else if (!pattern.test(value)) {
          wrong[name] = 'value does not match the regex pattern';
        }
      }
      for (const name of route.required ?? []) {
        if (params[name] === undefined) wrong[name] = 'property is missing and it is not optional';
      }
      if (parts.vmid !== undefined && !/^[1-9]\d{2,8}$/.test(parts.vmid)) {
        wrong.vmid = 'invalid format - value does not look like a valid VM ID';
      }
      if (Object.keys(wrong).length > 0) throw apiError(400, 'Parameter verification failed.\n', wrong);
      if (fault?.kind === 'no_worker') throw apiError(500, 'got no worker upid - start worker failed\n');
      if (fault?.kind === 'config_locked') {
        const file = `/var/lock/qemu-server/lock-${parts.vmid ?? '100'}.conf`;
        throw apiError(500, `can't lock file '${file}' - got timeout\n`);
      }
      const user = token.token.split('=')[0] ?? '';
      const data = await route.handle({ machine, path: parts, params, user, may });
      const wrongAnswers = options.schema?.answer(method, path, data) ?? [];
      violations.push(...wrongAnswers.map((text) => `answer to ${method} ${path}: ${text}`));
      return { status: 200, reason: 'OK', body: JSON.stringify({ data }) };
    } catch (error) {
      if (isApiError(error)) return errorOutcome(error.status, error.message, error.errors);
      throw error;
    }
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
    changeCertificate() {
      certificate = makeServerCertificate(node);
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

/** The whole body, or nothing when it is over Proxmox VE's cap. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= maxBodyBytes) chunks.push(chunk as Buffer);
  }
  return size > maxBodyBytes ? undefined : Buffer.concat(chunks);
}

function paramsOf(url: URL, body: Buffer | undefined): Record<string, string> {
  const params = Object.fromEntries(url.searchParams);
  return { ...params, ...Object.fromEntries(new URLSearchParams(body?.toString('utf8') ?? '')) };
}

/** Proxmox VE's rule: the access list of the longest path decides, alone. */
function allows(token: TokenSpec, path: string, anyOf: readonly string[]): boolean {
  if (token.privileges === undefined) return true;
  const fitting = Object.entries(token.privileges)
    .filter(([on]) => on === '/' || path === on || path.startsWith(`${on}/`))
    .sort(([a], [b]) => b.length - a.length);
  return anyOf.some((privilege) => fitting[0]?.[1].includes(privilege));
}
