import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type * as v from 'valibot';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { parsePayload, readJws, signJws, verifyJws } from '../../schema/jose/jws.ts';
import { acceptKey } from '../../schema/jose/keys.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import type { Heartbeat } from '../../schema/wire/heartbeat.ts';
import type { Job } from '../../schema/wire/job.ts';
import {
  clockSkewMs,
  jobLifetimeMs,
  maxBodyBytes,
  maxProofBytes,
  maxReceiptBytes,
  maxReportBytes,
} from '../../schema/wire/limits.ts';
import { proofSchema } from '../../schema/wire/proof.ts';
import { isFinal, type Receipt, receiptSchema } from '../../schema/wire/receipt.ts';
import {
  enrolmentStatementSchema,
  enrolRequestSchema,
  type PollRequest,
  pollRequestSchema,
  receiptsRequestSchema,
  reportRequestSchema,
} from '../../schema/wire/relay-api.ts';
import { type Report, reportSchema } from '../../schema/wire/report.ts';
import type { Draft, FakeApi, Offer } from './fake-api-shape.ts';
import { makeServerCertificate, type ServerCertificate } from './proxmox/certificate.ts';
import type { TestHome } from './relay-home.ts';
import { createWatch } from './watch.ts';

export type { FakeApi } from './fake-api-shape.ts';

export async function startFakeApi(options: {
  readonly home: () => TestHome;
  readonly port?: number;
  readonly certificate?: ServerCertificate;
}): Promise<FakeApi> {
  const { home } = options;
  const certificate = options.certificate ?? (await makeServerCertificate('writ'));
  const sockets = new Set<Socket>();
  const queue: Offer[] = [];
  const sessions = new Map<string, { session: string; seq: number; offered: Map<number, Offer> }>();
  const parked = new Set<() => void>();
  const passed = new Map<string, readonly string[]>();
  const watch = createWatch();
  const { notify } = watch;
  const polls: (PollRequest & { relay: string })[] = [];
  const receipts: { relay: string; jws: string; receipt: Receipt }[] = [];
  const reports: { relay: string; jws: string; report: Report }[] = [];
  const enrolments: { statement: string; controller_mac: string; owner_mac: string }[] = [];
  const violations: string[] = [];
  const trustFetches: string[] = [];
  let reportWanted = false;
  let evidence: readonly string[] = [];

  const wake = (): void => {
    for (const go of [...parked]) go();
  };

  const problem = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: code }));
  };
  const json = (response: ServerResponse, body: object): void => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify(body));
  };

  /** Whose request it is, by its proof; `candidates` are keys beyond trust's. */
  const prove = async (
    request: IncomingMessage,
    body: string,
    jwk?: unknown,
  ): Promise<string | undefined> => {
    const [scheme, jws = ''] = (request.headers.authorization ?? '').split(' ');
    if (scheme !== 'Writ-Proof') return undefined;
    const trust = home().trust();
    const claimed = readJws('proof', jws, maxProofBytes);
    const accepted = jwk === undefined ? undefined : await acceptKey(jwk);
    const verified = await verifyJws('proof', jws, {
      maxBytes: maxProofBytes,
      findKey: (kid) => keyOf(trust, 'relay')(kid) ?? (accepted?.ok ? accepted.value : undefined),
      schema: proofSchema,
    });
    if (!verified.ok) {
      // A relay that waits for its admission asks for trust, with a key that trust does not name yet.
      const isPending = verified.reason === 'jws_key_unknown' && request.url?.startsWith('/v1/trust');
      if (!isPending) violations.push(`proof: ${verified.reason} ${claimed.ok ? '' : claimed.reason}`);
      return undefined;
    }
    const { payload, key } = verified.value;
    const fits =
      payload.home === home().id &&
      payload.method === request.method &&
      payload.url === request.url &&
      payload.body === (await digestBytes(toBytes(body))) &&
      Math.abs(payload.time - Date.now()) <= clockSkewMs;
    if (!fits) violations.push(`proof of another request: ${request.method} ${request.url}`);
    return fits ? (trust.identities.get(key.kid)?.name ?? 'stranger') : undefined;
  };

  const mint: FakeApi['mint'] = (offer, session, seq, by = home().controller) => {
    const job: Job = {
      home: home().id,
      relay: offer.relay,
      session,
      seq,
      exp: Date.now() + jobLifetimeMs,
      ...(offer.intent.kind !== undefined && { kind: offer.intent.kind }),
      intent: encodeBase64url(offer.intent.bytes),
      authorisation: offer.intent.authorisation,
      step: offer.step ?? 0,
      receipts: [...(offer.receipts ?? [])],
    };
    return signJws('job', job, by);
  };

  const held = (relay: string): number => receipts.filter((entry) => entry.relay === relay).length;

  const handlePoll = async (relay: string, request: PollRequest, response: ServerResponse): Promise<void> => {
    polls.push({ ...request, relay });
    notify();
    let state = sessions.get(relay);
    if (state === undefined || state.session !== request.session) {
      if (state !== undefined) queue.unshift(...state.offered.values());
      state = { session: request.session, seq: 0, offered: new Map() };
      sessions.set(relay, state);
    }
    /** Evidence is passed to each relay once, so that polls go on being parked. */
    const isNew = (name: string): boolean => evidence.length > 0 && passed.get(name) !== evidence;
    const isReady = (): boolean =>
      queue.some((offer) => offer.relay === relay) ||
      api.reportWanted ||
      isNew(relay) ||
      (api.trustVersion?.() ?? home().trust().document.version) > request.trust_version;
    if (!isReady() && request.wait_ms > 0) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          clearTimeout(timer);
          parked.delete(go);
          resolve();
        };
        const timer = setTimeout(go, request.wait_ms);
        response.on('close', go);
        parked.add(go);
      });
    }
    if (response.destroyed) return;
    const jobs: string[] = [];
    for (const offer of queue.filter((candidate) => candidate.relay === relay)) {
      queue.splice(queue.indexOf(offer), 1);
      state.seq += 1;
      state.offered.set(state.seq, offer);
      jobs.push(await mint(offer, state.session, state.seq));
    }
    const heartbeat: Heartbeat = {
      home: home().id,
      relay,
      session: request.session,
      poll: request.poll,
      time: Date.now(),
      trust_version: home().trust().document.version,
      audit: api.audit,
    };
    const changed = (await api.heartbeat?.(heartbeat)) ?? heartbeat;
    const draft: Draft = {
      heartbeat:
        typeof changed === 'string' ? changed : await signJws('heartbeat', changed, home().controller),
      jobs,
      evidence: [...evidence],
      trust_version: api.trustVersion?.() ?? home().trust().document.version,
      report_wanted: api.reportWanted,
      receipts_seq: held(relay),
      last_receipt: request.receipts.seq < held(relay) ? lastOf(relay) : null,
    };
    api.reportWanted = false;
    passed.set(relay, evidence);
    await api.draft?.(draft, request);
    json(response, draft);
  };

  const lastOf = (relay: string): string =>
    receipts.filter((entry) => entry.relay === relay).at(-1)?.jws ?? '';

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      chunks.push(chunk as Buffer);
    }
    if (size > maxBodyBytes) violations.push('a body over the cap');
    const body = Buffer.concat(chunks).toString('utf8');
    const url = new URL(request.url ?? '/', 'https://localhost');
    if (!api.answering) {
      response.writeHead(503, { 'content-type': 'text/html' });
      return void response.end('<h1>503</h1>');
    }
    const read = <S extends v.GenericSchema>(schema: S): v.InferOutput<S> | undefined => {
      const parsed = parsePayload(body, schema, maxBodyBytes);
      if (parsed.ok) return parsed.value;
      violations.push(`${url.pathname}: ${parsed.detail ?? parsed.reason}`);
      return undefined;
    };

    if (url.pathname === '/v1/relay/enroll') {
      const asked = read(enrolRequestSchema);
      if (asked === undefined) return problem(response, 422, 'enrolment_malformed');
      const statement = parsePayload(
        Buffer.from(asked.statement, 'base64url'),
        enrolmentStatementSchema,
        64 * 1024,
      );
      if (!statement.ok) violations.push(`statement: ${statement.detail}`);
      const caller = statement.ok ? await prove(request, body, statement.value.jwk) : undefined;
      if (caller === undefined) return problem(response, 401, 'proof_invalid');
      enrolments.push(asked);
      const answer = api.enrolAnswer?.() ?? { status: 200, body: home().chain() };
      response.writeHead(answer.status, {
        'content-type':
          answer.type ?? (answer.status === 200 ? 'application/json' : 'application/problem+json'),
      });
      return void response.end(JSON.stringify(answer.body));
    }

    if (url.pathname === '/healthz') return void response.writeHead(200).end('ok\n');
    const caller = await prove(request, body);
    if (url.pathname === '/v1/trust') {
      trustFetches.push(request.url ?? '');
      notify();
      return json(response, api.trust(Number(url.searchParams.get('after') ?? 0)));
    }
    if (caller === undefined) return problem(response, 401, 'proof_invalid');
    if (url.pathname === '/v1/relay/poll') {
      const asked = read(pollRequestSchema);
      return asked === undefined
        ? problem(response, 422, 'body_invalid')
        : handlePoll(caller, asked, response);
    }
    if (url.pathname === '/v1/relay/receipts') {
      const asked = read(receiptsRequestSchema);
      for (const jws of asked?.receipts ?? []) {
        const verified = await verifyJws('receipt', jws, {
          maxBytes: maxReceiptBytes,
          findKey: keyOf(home().trust(), 'relay', caller),
          schema: receiptSchema,
        });
        if (!verified.ok) violations.push(`receipt: ${verified.reason} ${verified.detail ?? ''}`);
        else if (verified.value.payload.seq === held(caller) + 1) {
          receipts.push({ relay: caller, jws, receipt: verified.value.payload });
        }
      }
      json(response, { receipts_seq: held(caller) });
      return notify();
    }
    if (url.pathname === '/v1/relay/reports') {
      const asked = read(reportRequestSchema);
      const verified = await verifyJws('report', asked?.report ?? '', {
        maxBytes: maxReportBytes,
        findKey: keyOf(home().trust(), 'relay', caller),
        schema: reportSchema,
      });
      if (!verified.ok) violations.push(`report: ${verified.reason} ${verified.detail ?? ''}`);
      else reports.push({ relay: caller, jws: asked?.report ?? '', report: verified.value.payload });
      response.writeHead(204).end();
      return notify();
    }
    const hex = /^\/v1\/relay\/blobs\/([0-9a-f]{64})$/.exec(url.pathname)?.[1];
    const blob = hex === undefined ? undefined : api.blobs.get(`sha256:${hex}`);
    if (blob === undefined) return problem(response, 404, 'not_found');
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(blob);
  };

  const server = createServer({ cert: certificate.certPem, key: certificate.keyPem }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      violations.push(`the fake API failed: ${error instanceof Error ? error.stack : String(error)}`);
      response.destroy();
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const api: FakeApi = {
    url: `https://127.0.0.1:${port}`,
    spki: certificate.pins.spki,
    polls,
    receipts,
    reports,
    enrolments,
    violations,
    trustFetches,
    blobs: new Map(),
    audit: { seq: 0, hash: `sha256:${'0'.repeat(64)}` },
    get reportWanted() {
      return reportWanted;
    },
    set reportWanted(wanted) {
      reportWanted = wanted;
      if (wanted) wake();
    },
    get evidence() {
      return evidence;
    },
    set evidence(reports) {
      evidence = reports;
      wake();
    },
    answering: true,
    heartbeat: null,
    draft: null,
    trust: (after) => home().chain(after),
    trustVersion: null,
    enrolAnswer: null,
    offer(offer) {
      queue.push(offer);
      wake();
    },
    mint,
    until: (what, condition) => watch.until(() => `${what}; ${violations.join('; ')}`, condition),
    outcome: (signed, step = 0) =>
      api.until(
        `the outcome of step ${step}`,
        () =>
          receipts.find(
            ({ receipt }) =>
              receipt.intent === signed.digest && receipt.step === step && isFinal(receipt.state),
          )?.receipt,
      ),
    async close() {
      wake();
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await ended;
    },
  };
  return api;
}
