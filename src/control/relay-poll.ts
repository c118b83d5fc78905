import { signJws } from '../../schema/jose/jws.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { trustExpired } from '../../schema/trust/read.ts';
import type { Heartbeat } from '../../schema/wire/heartbeat.ts';
import type { PollAnswer, PollRequest } from '../../schema/wire/relay-api.ts';
import { oldestProtocolVersion, protocolVersion } from '../../schema/wire/version.ts';
import { refused } from '../domain/errors.ts';
import { mayLease, numberOf } from '../domain/lease.ts';
import type { LeasableStep, WaitingRun } from '../domain/ports.ts';
import { buckets } from '../domain/rate.ts';
import type { LeasablePart } from '../domain/release-ports.ts';
import type { RelayRecord } from '../domain/world.ts';
import type { AuditLog } from './audit-log.ts';
import type { RelayCaller, RelayControl } from './control.ts';
import { bells, type ControlDeps } from './deps.ts';
import type { ReleaseDispatch } from './release-dispatch.ts';
import type { StepDispatch } from './step-dispatch.ts';
import type { TrustKeeper } from './trust-keeper.ts';
import { type Evidence, findWakes } from './wakes.ts';

/** How often at most evidence and wishes for a report are repeated while a wake runs. */
const wakeRepeatMs = 2_000;
/** How often a notary is asked for the same. */
const timesRepeatMs = 5_000;
const never = Number.POSITIVE_INFINITY;
/** A relay is noted as heard of at most this often. */
const touchEveryMs = 10_000;
const maxJobsPerAnswer = 16;
const maxEvidencePerAnswer = 16;
/** Each run of a relay is kept for good, so that none that was superseded comes back: a stolen key makes no end of them. */
const runLimits = { burst: 120, everyMs: 30_000, maxKeys: 10_000 };

/** What this process remembers of a relay's polls: only to answer sooner or later, never what. */
type Memory = {
  session: string;
  poll: number;
  /** The highest number of a job that the run has seen. */
  seen: number;
  /** Ends the parked poll of this run, because a later one came. */
  leave: () => void;
  /** Whether a poll is parked. */
  isParked: boolean;
  /** The highest number of a job that was handed out: what is leased above it was leased with its command. */
  handed: number;
  toldTrust: number;
  toldEvidence: Map<string, string>;
  toldAt: number;
  /** When it was asked to attest tokens last. */
  askedTimesAt: number;
};

/** What a poll would be answered now. */
type Found = {
  readonly jobs: readonly LeasableStep[];
  readonly parts: readonly LeasablePart[];
  readonly evidence: readonly Evidence[];
  readonly reportWanted: boolean;
  /** Tokens that it is to attest. */
  readonly attest: readonly string[];
  /** Whether any of it is worth an answer before the time is over. */
  readonly worth: boolean;
  /** When it must be looked at again without a ring, in ms from now. */
  readonly againMs: number;
};

export type Polls = {
  readonly poll: RelayControl['poll'];
  /** How many polls are parked in this process. */
  readonly parked: () => number;
  /** The run of a relay whose poll is parked in this process, if there is one. */
  readonly waiting: (relay: string) => WaitingRun | null;
};

export function createPolls(
  deps: ControlDeps,
  keeper: TrustKeeper,
  log: AuditLog,
  steps: StepDispatch,
  releases: ReleaseDispatch,
): Polls {
  const { store, doorbell, clock, key } = deps;
  const memories = new Map<string, Memory>();
  /** Which key a relay of that name polled with last. */
  const kids = new Map<string, string>();
  const runs = buckets(runLimits);
  let parked = 0;

  /** The newest poll of a run takes the place of the one that is parked: its connection may be dead. */
  const remember = (relay: RelayCaller, request: PollRequest): { memory: Memory; left: AbortSignal } => {
    const left = new AbortController();
    const known = memories.get(relay.kid);
    known?.leave();
    const same = known?.session === request.session;
    const memory: Memory = {
      session: request.session,
      poll: request.poll,
      seen: request.seen,
      // With a reason; the one that is made otherwise is an error, with a trace that nobody reads.
      leave: () => left.abort('a later poll came'),
      isParked: false,
      // What the run has seen was handed out, if not by this process.
      handed: Math.max(same ? known.handed : 0, request.seen),
      toldTrust: same ? known.toldTrust : 0,
      // A poll that comes again was not heard: what it was told is told anew.
      toldEvidence: same && request.poll > known.poll ? known.toldEvidence : new Map(),
      toldAt: same && request.poll > known.poll ? known.toldAt : 0,
      askedTimesAt: same && request.poll > known.poll ? known.askedTimesAt : 0,
    };
    memories.set(relay.kid, memory);
    kids.set(relay.name, relay.kid);
    return { memory, left: left.signal };
  };

  const find = async (
    trust: Trust,
    record: RelayRecord,
    request: PollRequest,
    memory: Memory,
    now: number,
  ): Promise<Found> => {
    const [open, { parts, againMs }, unattested] = await Promise.all([
      store.commands.activeOf(record.name),
      releases.find(trust, record, request, now),
      releases.timesFor(trust, request, record.name, now),
    ]);
    const attest = now - memory.askedTimesAt < timesRepeatMs ? [] : unattested;
    const mine = open.filter((step) => step.relay === record.name);
    const jobs = trustExpired(trust, now) ? [] : mine.filter((step) => mayLease(step, request, now));
    const leases = mine
      .filter((step) => step.state === 'sent' && !jobs.includes(step))
      .map((step) => Math.min(step.lease?.until ?? now, step.expires) - now)
      .filter((ms) => ms > 0);

    const { evidence, reportWanted } = await findWakes(store.relays, trust, open, record, now);
    const fresh = evidence.some(({ host, jws }) => memory.toldEvidence.get(host) !== jws);
    const repeat = evidence.length > 0 || reportWanted;
    const due = memory.toldAt + wakeRepeatMs - now;
    return {
      // Numbers go up: those that are given out already come first.
      jobs: jobs.toSorted((a, b) => numberOf(a, memory) - numberOf(b, memory)).slice(0, maxJobsPerAnswer),
      parts,
      evidence: evidence.slice(0, maxEvidencePerAnswer),
      reportWanted,
      attest,
      worth: jobs.length + parts.length + attest.length > 0 || fresh || (repeat && due <= 0),
      againMs: Math.max(
        1,
        Math.min(...leases, againMs, repeat ? due : never, unattested.length > 0 ? timesRepeatMs : never),
      ),
    };
  };

  const answer = async (
    trust: Trust,
    record: RelayRecord,
    request: PollRequest,
    found: Found,
    jobs: readonly string[],
  ): Promise<PollAnswer> => {
    const held = record.receipts;
    if (request.receipts.seq === held.seq && request.receipts.hash !== held.hash) {
      deps.log('error', 'relay.receipts_forked', { relay: record.name, seq: held.seq });
    }
    const behind = request.receipts.seq < held.seq;
    const last = behind ? await store.relays.receipt(record.kid, held.seq) : null;
    const heartbeat: Heartbeat = {
      home: trust.document.home,
      relay: record.name,
      session: request.session,
      poll: request.poll,
      time: clock.now(),
      trust_version: trust.document.version,
      audit: await log.head(),
    };
    return {
      heartbeat: await signJws('heartbeat', heartbeat, key),
      jobs: [...jobs],
      evidence: found.evidence.map(({ jws }) => jws),
      trust_version: trust.document.version,
      report_wanted: found.reportWanted,
      ...(found.attest.length > 0 && { attest: [...found.attest] }),
      receipts_seq: held.seq,
      last_receipt: last?.jws ?? null,
    };
  };

  /** Notes the run, and that it is heard of. False: a newer run was seen. */
  const enter = async (relay: RelayCaller, request: PollRequest): Promise<boolean> => {
    const now = clock.now();
    const seen = { now, protocol: request.protocol, trustVersion: request.trust_version };
    const record = await store.relays.find(relay.kid);
    if (record?.session === request.session) {
      const stale = now - (record.lastSeen ?? 0) >= touchEveryMs;
      if (stale || record.trustVersion !== request.trust_version) await store.relays.touch(relay.kid, seen);
      return true;
    }
    const outcome = await store.relays.enter(
      { kid: relay.kid, name: relay.name, session: request.session, ...seen },
      {
        time: now,
        event: 'relay.connected',
        principal: `relay:${relay.name}`,
        facts: { relay: relay.name, kid: relay.kid, protocol: request.protocol },
      },
    );
    if (outcome === 'superseded') return false;
    if (outcome === 'entered') {
      // The run before may be parked still: it learns that it is superseded.
      doorbell.ring(bells.relay(relay.name));
      log.grew();
    }
    return true;
  };

  const poll: Polls['poll'] = async (relay, request, signal) => {
    if (request.protocol < oldestProtocolVersion || request.protocol > protocolVersion) {
      return refused(
        'protocol_unsupported',
        `This control plane speaks the protocols ${oldestProtocolVersion} to ${protocolVersion}, not ${request.protocol}.`,
      );
    }
    const known = memories.get(relay.kid);
    if (known?.session === request.session && request.poll < known.poll) {
      return refused('poll_out_of_order', 'A later poll of the same run came already.');
    }
    if (known?.session !== request.session && runs.take(relay.kid, clock.now()) > 0) {
      return refused('rate_limited', `${relay.name} begins too many runs; it is served again in a while.`);
    }
    if (!(await enter(relay, request))) return superseded();

    const { memory, left } = remember(relay, request);
    const until = clock.now() + request.wait_ms;
    const gone = AbortSignal.any([signal, left]);
    for (;;) {
      const ticket = await doorbell.ticket(bells.relay(relay.name));
      const trust = await keeper.current();
      if (trust === null) return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      const record = await store.relays.find(relay.kid);
      if (record?.session !== request.session) return superseded();
      const now = clock.now();
      const found = await find(trust, record, request, memory, now);
      const version = trust.document.version;
      const news = version > request.trust_version && version > memory.toldTrust;
      const behind =
        request.receipts.seq !== record.receipts.seq && request.wait_ms > 0 && request.poll === 1;
      const over = now >= until || gone.aborted;
      if (found.worth || news || behind || over) {
        // Nobody hears what is leased to a poll that was left or superseded.
        const jobs = gone.aborted ? [] : await steps.mint(trust, relay, memory, found.jobs);
        if (!gone.aborted) jobs.push(...(await releases.mint(trust, relay, memory, found.parts)));
        if (jobs.length > 0 || !(found.jobs.length + found.parts.length) || over || news) {
          memory.toldTrust = version;
          if (found.evidence.length > 0 || found.reportWanted) memory.toldAt = now;
          if (found.attest.length > 0) memory.askedTimesAt = now;
          for (const { host, jws } of found.evidence) memory.toldEvidence.set(host, jws);
          return { ok: true, value: await answer(trust, record, request, found, jobs) };
        }
        continue;
      }
      parked += 1;
      memory.isParked = true;
      try {
        await doorbell.wait(ticket, Math.min(until - now, found.againMs), gone);
      } finally {
        memory.isParked = false;
        parked -= 1;
      }
    }
  };

  return {
    poll,
    parked: () => parked,
    waiting: (relay) => {
      const kid = kids.get(relay);
      const memory = kid === undefined ? undefined : memories.get(kid);
      return memory?.isParked === true ? { kid: kid!, session: memory.session, seen: memory.seen } : null;
    },
  };
}

const superseded = () =>
  refused<'session_superseded'>(
    'session_superseded',
    'Another run of a relay with this identity is newer; this one is not served any more.',
  );
