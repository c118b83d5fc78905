import { decodeBase64url } from '../../schema/jose/base64url.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { evaluateOrder, isNotary } from '../../schema/trust/evaluate.ts';
import { type Trust, trustExpired } from '../../schema/trust/read.ts';
import type { Job } from '../../schema/wire/job.ts';
import { clockSkewMs, jobLifetimeMs } from '../../schema/wire/limits.ts';
import type { PollRequest } from '../../schema/wire/relay-api.ts';
import { parseReleaseOrder } from '../../schema/wire/release-order.ts';
import { maxAttestations } from '../../schema/wire/time.ts';
import { applyDisallowed } from '../domain/deployment.ts';
import { githubProtocol, offerable, partLeaseUntil, releaseProtocol } from '../domain/part-lease.ts';
import type { LeasablePart } from '../domain/release-ports.ts';
import type { RelayRecord } from '../domain/world.ts';
import type { AuditLog } from './audit-log.ts';
import type { RelayCaller } from './control.ts';
import { changeDeployment } from './deployment-changes.ts';
import type { ControlDeps } from './deps.ts';

/** Each carries its whole order: four leave half a poll's answer free. */
const maxPartsPerAnswer = 4;
/** How long it is believed that nothing is open for a relay, unless an order comes to this process. */
const idleMs = 60_000;

/** A run of a relay, and the highest number of a job that it was given. */
type Run = { readonly session: string; readonly seen: number; handed: number };

export type ReleaseDispatch = {
  /** The parts that a poll would be given now, and after how many ms to look again without a ring. */
  find(
    trust: Trust,
    record: RelayRecord,
    request: PollRequest,
    now: number,
  ): Promise<{ readonly parts: readonly LeasablePart[]; readonly againMs: number }>;
  /** Leases parts, and mints their envelopes. What trust no longer allows is ended instead. */
  mint(trust: Trust, relay: RelayCaller, run: Run, parts: readonly LeasablePart[]): Promise<string[]>;
  /** Says that there is something for relays. */
  brought(relays: readonly string[]): void;
  /** Tokens of GitHub's that a notary is asked to attest; of other relays none. */
  timesFor(
    trust: Trust,
    request: Pick<PollRequest, 'protocol'>,
    relay: string,
    now: number,
  ): Promise<readonly string[]>;
  /** Says that tokens were attested. */
  attested(): void;
  /** Whether something may be open for a relay. */
  mayHaveWork(relay: string): boolean;
};

const nothing = { parts: [], againMs: Number.POSITIVE_INFINITY } as const;

export function createReleaseDispatch(deps: ControlDeps, log: AuditLog): ReleaseDispatch {
  const { store, clock, key } = deps;
  /** Until when a relay is taken to have nothing: a poll that waits for commands does not ask for releases each time. */
  const idleUntil = new Map<string, number>();
  let orders = 0;
  /** Tokens that wait to be attested; null where it must be looked. */
  let unattested: readonly string[] | null = null;

  const isIdle = (relay: string, now: number): boolean => (idleUntil.get(relay) ?? 0) > now;

  const find: ReleaseDispatch['find'] = async (trust, record, request, now) => {
    if (request.protocol < releaseProtocol || isIdle(record.name, now) || trustExpired(trust, now)) {
      return nothing;
    }
    const before = orders;
    const open = await store.deployments.openOf(record.name);
    if (open.length === 0) {
      // One that came while this was read is not among what was read.
      if (orders === before) idleUntil.set(record.name, now + idleMs);
      return nothing;
    }
    const { parts, againMs } = offerable(trust, record, request, open, now);
    return { parts: parts.slice(0, maxPartsPerAnswer), againMs };
  };

  /** The orders that trust still allows, as they were signed. */
  const allowedOf = async (trust: Trust, ids: readonly string[]) => {
    const signed = await store.deployments.signed(ids);
    for (const [id, { bytes, signer }] of signed) {
      const decoded = decodeBase64url(bytes);
      const order = decoded.ok ? parseReleaseOrder(decoded.value) : decoded;
      if (order.ok && evaluateOrder(trust, signer, order.value).ok) continue;
      signed.delete(id);
      await changeDeployment(
        deps,
        log,
        () => store.deployments.load(id),
        (deployment) => applyDisallowed(deployment, clock.now()),
      );
    }
    return signed;
  };

  const mint: ReleaseDispatch['mint'] = async (trust, relay, run, parts) => {
    if (parts.length === 0) return [];
    const signed = await allowedOf(trust, [...new Set(parts.map(({ deployment }) => deployment))]);
    const allowed = parts.filter(({ deployment }) => signed.has(deployment));
    if (allowed.length === 0) return [];
    const now = clock.now();
    const leased = await store.deployments.lease({
      kid: relay.kid,
      session: run.session,
      seen: run.seen,
      parts: allowed,
      untils: allowed.map((part) => partLeaseUntil(part, now)),
    });
    return Promise.all(
      leased.map(({ deployment, part, seq }) => {
        run.handed = Math.max(run.handed, seq);
        const { bytes, authorisation, time } = signed.get(deployment)!;
        const job: Job = {
          home: trust.document.home,
          relay: relay.name,
          session: run.session,
          seq,
          exp: now + jobLifetimeMs,
          kind: 'release',
          intent: bytes,
          authorisation,
          ...(time !== null && { time }),
          step: part,
          receipts: [],
        };
        return signJws('job', job, key);
      }),
    );
  };

  return {
    find,
    mint,
    timesFor: async (trust, { protocol }, relay, now) => {
      if (protocol < githubProtocol || !isNotary(trust, relay)) return [];
      const before = orders;
      const found = unattested ?? (await store.deployments.tokens(now - clockSkewMs));
      // What came meanwhile is looked for the next time.
      unattested = before === orders ? found : null;
      return found.slice(0, maxAttestations);
    },
    attested: () => {
      orders += 1;
      unattested = null;
    },
    brought: (relays) => {
      unattested = null;
      orders += 1;
      for (const relay of relays) idleUntil.delete(relay);
    },
    mayHaveWork: (relay) => !isIdle(relay, clock.now()),
  };
}
