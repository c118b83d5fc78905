import * as v from 'valibot';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import { reportIntervalMs } from '../../schema/wire/limits.ts';
import type { Progress, Report } from '../../schema/wire/report.ts';
import { protocolVersion } from '../../schema/wire/version.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import type { Log } from '../log.ts';
import { createBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { createDoorbell } from './doorbell.ts';
import type { Link } from './link.ts';
import { createLook, type View } from './look.ts';
import type { TrustStore } from './trust-store.ts';

const lastReportMs = 5_000;

export type Reporter = {
  /** Looks, and reports on a change, when asked, and every minute. Until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** A report is due at once, with a fresh look at the guests. */
  wanted(): void;
  /** A step's phase has changed, or something else that is in reports. */
  changed(): void;
  /** Sends one now, with what was seen last: for the moment before this host goes down. For a few seconds; never rejects. */
  sendLast(): Promise<void>;
};

export type ReporterDeps = {
  readonly home: string;
  readonly relay: string;
  readonly key: SigningKey;
  /** Of this program, for the owner's list of relays. */
  readonly version: string;
  readonly trust: TrustStore;
  readonly clock: Clock;
  readonly proxmox: Proxmox | null;
  readonly link: Link;
  readonly log: Log;
  random(): number;
  /** Steps at work. */
  progress(): readonly Progress[];
  /** What was seen of the targets of releases; it is looked at elsewhere, and never waited for. */
  targets(): NonNullable<Report['targets']>;
  recipients(): NonNullable<Report['recipients']>;
  /** The public key of this host's part of the private CA; null where there is none. */
  authority(): string | null;
  /** Jobs that could not be tied to an authorised intent. */
  refused(): Report['refused'];
  /** A number above all that were given out before, over restarts too. */
  reportSeq(): Promise<number | null>;
  readonly lookIdleMs?: number;
  readonly lookBusyMs?: number;
};

const defaultLookIdleMs = 15_000;
const defaultLookBusyMs = 1_000;
/** A report does not wait longer than this for Proxmox and the agents. */
const lookLimitMs = 5_000;
const maxProgress = 64;
/** Changes come in bursts: a step begins, moves on and ends. One look tells of all within this time. */
const burstMs = 250;
/** Changes are told at most this often. */
const changesEveryMs = 1_000;

export function createReporter(deps: ReporterDeps): Reporter {
  const { clock, trust, link, log, relay } = deps;
  const look = createLook({ proxmox: deps.proxmox, clock });
  const backoff = createBackoff({ firstMs: 1_000, capMs: reportIntervalMs, random: deps.random });
  let view: View = { proxmox: deps.proxmox === null ? 'none' : 'unseen', guests: {} };
  let sentFacts = '';
  let sentAt = Number.NEGATIVE_INFINITY;
  let notBefore = Number.NEGATIVE_INFINITY;
  let due = false;
  const bell = createDoorbell(clock);

  const guestsHere = () =>
    Object.fromEntries(
      Object.entries(trust.current().document.house.guests).filter(([, guest]) => guest.host === relay),
    );

  const lookNow = async (signal: AbortSignal): Promise<void> => {
    const limit = new AbortController();
    const done = new AbortController();
    const end = (): void => limit.abort();
    signal.addEventListener('abort', end);
    void clock.sleep(lookLimitMs, done.signal).then(end);
    view = await look(guestsHere(), limit.signal);
    signal.removeEventListener('abort', end);
    done.abort();
  };

  const facts = async () => {
    const targets = deps.targets();
    const recipients = deps.recipients();
    const authority = deps.authority();
    return {
      version: deps.version,
      protocol: protocolVersion,
      trust_version: trust.current().document.version,
      clock_synchronised: await clock.synchronised(),
      ...view,
      progress: deps.progress().slice(0, maxProgress),
      refused: deps.refused(),
      ...(Object.keys(targets).length > 0 && { targets }),
      ...(Object.keys(recipients).length > 0 && { recipients }),
      ...(authority !== null && { authority }),
    };
  };

  const send = async (signal: AbortSignal): Promise<boolean> => {
    const content = await facts();
    const seq = await deps.reportSeq();
    if (seq === null) {
      notBefore = clock.uptimeMs() + backoff.next();
      return false;
    }
    const report: Report = {
      home: deps.home,
      relay,
      seq,
      time: clock.now(),
      boot: clock.bootId(),
      uptime_ms: Math.floor(clock.uptimeMs()),
      ...content,
      progress: [...content.progress],
    };
    const jws = await signJws('report', report, deps.key);
    const answer = await link.call({
      method: 'POST',
      path: '/v1/relay/reports',
      body: () => ({ report: jws }),
      schema: v.strictObject({}),
      timeoutMs: 15_000,
      signal,
    });
    if (answer.ok) {
      sentFacts = JSON.stringify(content);
      sentAt = clock.uptimeMs();
      backoff.reset();
      return true;
    }
    notBefore = clock.uptimeMs() + backoff.next();
    if (answer.reason === 'refused') log.warn('report_refused', { code: answer.code });
    return false;
  };

  return {
    async run(signal) {
      while (!signal.aborted) {
        const asked = due;
        due = false;
        await lookNow(signal);
        const isNews = JSON.stringify(await facts()) !== sentFacts;
        const isOld = clock.uptimeMs() - sentAt >= reportIntervalMs;
        const mayTry = asked || clock.uptimeMs() >= notBefore;
        if (signal.aborted) return;
        if (mayTry && (asked || isNews || isOld)) await send(signal);
        const busy = deps.progress().length > 0;
        const pauseMs = busy
          ? (deps.lookBusyMs ?? defaultLookBusyMs)
          : (deps.lookIdleMs ?? defaultLookIdleMs);
        const lookedAt = clock.uptimeMs();
        await bell.wait(pauseMs, signal);
        const nextAt = Math.max(clock.uptimeMs() + burstMs, lookedAt + changesEveryMs);
        for (let leftMs = nextAt - clock.uptimeMs(); leftMs > 0; leftMs = nextAt - clock.uptimeMs()) {
          if (due || signal.aborted) break;
          await bell.wait(leftMs, signal);
        }
      }
    },
    wanted() {
      due = true;
      bell.ring();
    },
    changed: () => bell.ring(),
    async sendLast() {
      const [limit, done] = [new AbortController(), new AbortController()];
      void deps.clock.sleep(lastReportMs, done.signal).then(() => limit.abort());
      await send(limit.signal).catch(() => false);
      done.abort();
    },
  };
}
