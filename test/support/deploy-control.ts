import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DeploymentTarget, DeploymentView, TargetView } from '../../schema/api/deployments.ts';
import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { digestBytes, digestOf } from '../../schema/jose/digest.ts';
import { verifyJws } from '../../schema/jose/jws.ts';
import { keyOf } from '../../schema/trust/evaluate.ts';
import { ulidOf } from '../../schema/wire/ids.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { parseReleaseOrder, releaseAuthorisationSchema } from '../../schema/wire/release-order.ts';
import type { TargetReport } from '../../schema/wire/report.ts';
import { type Fixture, homeId, receiptBy, reportBy } from '../src/cli/home-fixture.ts';
import { type Lie, problem } from './lying-control.ts';

type RelayName = 'pve1' | 'pve2';
const relayOfTarget = (target: string): RelayName => (target === 'websvcs' ? 'pve2' : 'pve1');

/** How a target's relay ends its step; absent: it succeeds. Null: it does not come. */
export type End = Partial<Receipt> | null;

/** A control plane in memory, whose relays do at once what they are told. */
export type DeployControl = {
  /** Blobs that it has, by digest. */
  readonly blobs: Map<string, Uint8Array<ArrayBuffer>>;
  /** The newest first. */
  readonly deployments: readonly DeploymentView[];
  /** Every request as `METHOD /path`, in its order. */
  readonly asked: readonly string[];
  /** How relays end the steps of targets from now on. */
  readonly ends: Map<string, End>;
  /** What relays report of targets; parts follow what succeeds. */
  readonly reports: Map<string, TargetReport>;
  /** How long ago relays reported, in ms. */
  reportedAgoMs: number;
  /** Answers `METHOD /path` so from now on, with `{}` for any blob or deployment; null: honestly. */
  answer(route: string, lie: Lie | null): void;
  /** Answers honestly: for a lie that is told now and then. */
  readonly honest: Lie;
  handle(request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<unknown>;
};

const send = (response: ServerResponse, value: unknown): void => void response.end(JSON.stringify(value));

export function createDeployControl(home: Fixture): DeployControl {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const deployments: DeploymentView[] = [];
  const byKey = new Map<string, DeploymentView>();
  const asked: string[] = [];
  const ends = new Map<string, End>();
  const reports = new Map<string, TargetReport>();
  const lies = new Map<string, Lie>();
  const state = { reportedAgoMs: 1_000, seq: 0, desk: 1 };

  async function act(view: DeploymentView): Promise<void> {
    for (const [index, { target, relay, digest: part }] of view.order.parts.entries()) {
      const told = view.targets.find((one) => one.target === target) as DeploymentTarget;
      const end = ends.get(target);
      if (told.state !== 'pending' || end === null) continue;
      state.seq += 1;
      const receipt: Partial<Receipt> = {
        relay,
        seq: state.seq,
        intent: view.digest,
        step: index,
        action: 'release.apply',
        target,
        state: 'succeeded',
        result: { already: false, files: 1, started: 1, restarted: 0, reloaded: 0, stopped: 0 },
        time: Date.now(),
        ...end,
      };
      view.receipts.push(await receiptBy(home.relays[relay as RelayName], receipt));
      const states = { succeeded: 'healthy', failed: 'rolled-back' } as Readonly<
        Record<string, 'healthy' | 'rolled-back'>
      >;
      Object.assign(told, {
        state: states[receipt.state!] ?? 'failed',
        code: receipt.code ?? null,
        ended_at: Date.now(),
      });
      if (receipt.state === 'succeeded') {
        reports.set(target, { part, seen: 'ok', seen_at: Date.now(), drifted: 0, drift: [] });
      }
    }
    if (view.targets.every(({ ended_at }) => ended_at !== null))
      Object.assign(view, { ended_at: Date.now() });
  }

  const newestOf = (target: string): DeploymentView | undefined =>
    deployments.find(({ order }) => order.parts.some((part) => part.target === target));

  function targetView(target: string): TargetView {
    const newest = newestOf(target);
    const told = newest?.targets.find((one) => one.target === target);
    const report = reports.get(target) ?? null;
    return {
      target,
      relay: relayOfTarget(target),
      wanted: told?.part ?? null,
      commit: newest?.order.commit ?? null,
      deployed: told === undefined ? null : report?.part === told.part,
      healthy: report === null ? null : report.drift.every(({ kind }) => kind !== 'unit'),
      synced: report === null ? null : report.drift.every(({ kind }) => kind !== 'file'),
      deployment: newest?.id ?? null,
      state: told?.state ?? null,
      code: told?.code ?? null,
      healthy_at: null,
      report,
    };
  }

  const signedReport = (relay: RelayName): Promise<string> => {
    const own = [...reports].filter(([target]) => relayOfTarget(target) === relay);
    const time = Date.now() - state.reportedAgoMs;
    return reportBy(home.relays[relay], { relay, time, targets: Object.fromEntries(own) });
  };

  async function accept(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const { order: encoded, authorisation } = JSON.parse(text) as { order: string; authorisation: string };
    const bytes = decodeBase64url(encoded);
    assert.ok(bytes.ok);
    const digest = await digestOf('release', bytes.value);
    const verified = await verifyJws('release', authorisation, {
      maxBytes: 4096,
      findKey: keyOf(home.trust, 'key', 'operator'),
      schema: releaseAuthorisationSchema,
    });
    assert.ok(verified.ok && verified.value.payload.digest === digest, 'the operator signed these bytes');
    const order = parseReleaseOrder(bytes.value);
    assert.ok(order.ok);
    for (const named of [order.value.release, ...order.value.parts.map((part) => part.digest)])
      assert.ok(blobs.has(named), `${named} was uploaded before`);
    const known = byKey.get(key);
    if (known !== undefined) return send(response, known);
    if (order.value.order.desk < state.desk)
      return problem(409, { code: 'release_stale' })(request, response, text) as undefined;
    state.desk = order.value.order.desk + 1;
    const view: DeploymentView = {
      id: `dep_${ulidOf(1_800_000_000_000 + deployments.length, new Uint8Array(10))}`,
      digest,
      order: order.value,
      principal: 'operator',
      created_at: Date.now(),
      ended_at: null,
      sentence: 'It is on its way.',
      targets: order.value.parts.map(
        ({ target, relay, digest: part }): DeploymentTarget => ({
          target,
          relay,
          part,
          state: 'pending',
          code: null,
          result: null,
          started_at: null,
          ended_at: null,
        }),
      ),
      receipts: [],
    };
    for (const old of deployments)
      for (const told of old.targets)
        if (told.state === 'pending' && view.targets.some(({ target }) => target === told.target))
          Object.assign(told, { state: 'superseded', ended_at: Date.now() });
    deployments.unshift(view);
    byKey.set(key, view);
    send(response, view);
  }

  const hostView = (name: string) => ({
    name,
    title: name,
    state: [...ends].some(([target, end]) => end === null && relayOfTarget(target) === name)
      ? 'off'
      : 'awake',
    sleeps: false,
    proxmox: null,
    since: null,
    last_seen: null,
    held_by: null,
    sentence: '',
  });

  const honest: Readonly<Record<string, Lie>> = {
    'GET /v1/trust': (_, response) => send(response, { versions: [] }),
    'GET /v1/targets': (_, response) => {
      const names = new Set([
        ...deployments.flatMap(({ order }) => order.parts.map(({ target }) => target)),
        ...reports.keys(),
      ]);
      send(response, {
        targets: [...names].sort().map(targetView),
        next: { run_id: 0, run_attempt: 0, desk: state.desk },
      });
    },
    'GET /v1/relays/reports': async (_, response) => {
      const relays = ['pve1', 'pve2'] as const;
      const signed = await Promise.all(
        relays.map(async (relay) => ({ relay, report: await signedReport(relay) })),
      );
      send(response, { reports: signed });
    },
    'GET /v1/status': (_, response) =>
      send(response, {
        home: homeId,
        time: Date.now(),
        sentence: '',
        warnings: [],
        hosts: ['cloud', 'pve1', 'pve2'].map(hostView),
        guests: [],
      }),
    'POST /v1/blobs/missing': (_, response, body) => {
      const { digests } = JSON.parse(body) as { digests: string[] };
      send(response, { missing: digests.filter((digest) => !blobs.has(digest)) });
    },
    'POST /v1/releases': accept,
    'GET /v1/deployments': async ({ url = '' }, response) => {
      for (const view of deployments) await act(view);
      const [, target] = /[?&]target=([a-z0-9-]+)/.exec(url) ?? [];
      const isOf = ({ order }: DeploymentView): boolean =>
        target === undefined || order.parts.some((part) => part.target === target);
      send(response, { deployments: deployments.filter(isOf) });
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse, raw: Buffer): Promise<unknown> {
    const path = request.url?.split('?')[0] ?? '';
    const route = `${request.method} ${path}`;
    asked.push(route);
    const general = route.replace(/\/(?:[0-9a-f]{64}|dep_\w+)$/, '/{}');
    const lie = lies.get(route) ?? lies.get(general);
    if (lie !== undefined) return lie(request, response, raw.toString());
    return answerHonestly(request, response, raw);
  }

  async function answerHonestly(
    request: IncomingMessage,
    response: ServerResponse,
    raw: Buffer,
  ): Promise<unknown> {
    const path = request.url?.split('?')[0] ?? '';
    const route = `${request.method} ${path}`;
    const [, hex] = /^(?:GET|PUT) \/v1\/blobs\/([0-9a-f]{64})$/.exec(route) ?? [];
    if (hex !== undefined && request.method === 'PUT') {
      const bytes = new Uint8Array(raw);
      assert.equal(await digestBytes(bytes), `sha256:${hex}`);
      blobs.set(`sha256:${hex}`, bytes);
      return send(response, {});
    }
    if (hex !== undefined) {
      const bytes = blobs.get(`sha256:${hex}`);
      return bytes === undefined
        ? problem(404, { code: 'blob_unknown' })(request, response, '')
        : response.end(bytes);
    }
    const [, id] = /^GET \/v1\/deployments\/(dep_\w+)$/.exec(route) ?? [];
    const view = deployments.find((one) => one.id === id);
    if (view !== undefined) {
      await act(view);
      return send(response, view);
    }
    return (honest[route] ?? problem(404, {}))(request, response, raw.toString());
  }

  return Object.assign(state, {
    blobs,
    deployments,
    asked,
    ends,
    reports,
    answer: (route: string, lie: Lie | null) =>
      void (lie === null ? lies.delete(route) : lies.set(route, lie)),
    honest: ((request, response, body) => answerHonestly(request, response, Buffer.from(body))) as Lie,
    handle,
  });
}
