import type { GuestView, HostView, RelayView } from '../../schema/api/house.ts';
import { fingerprint } from '../../schema/jose/keys.ts';
import { houseOf } from '../../schema/manifest/house.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { trustWarningMs } from '../../schema/wire/limits.ts';
import { refused } from '../domain/errors.ts';
import { principalText } from '../domain/principal.ts';
import { guestSentence, hostSentence } from '../domain/sentence.ts';
import { titleOf } from '../domain/titles.ts';
import { hostState, type RelayRecord, relayKid } from '../domain/world.ts';
import type { AuditLog } from './audit-log.ts';
import type { HouseControl } from './control.ts';
import type { ControlDeps } from './deps.ts';
import { pendingForMs } from './enrolment.ts';
import type { TrustKeeper } from './trust-keeper.ts';

/** What the views are made of, read at one moment. */
type Look = {
  readonly now: number;
  readonly trust: Trust;
  readonly relays: ReadonlyMap<string, RelayRecord>;
  readonly holders: ReadonlyMap<string, string>;
};

export function createHouse(deps: ControlDeps, keeper: TrustKeeper, log: AuditLog): HouseControl {
  const { store, clock } = deps;

  const look = async (): Promise<Look | null> => {
    const [trust, relays, held] = await Promise.all([
      keeper.current(),
      store.relays.all(),
      store.commands.held(),
    ]);
    if (trust === null) return null;
    return {
      now: clock.now(),
      trust,
      relays: new Map(
        relays.filter((one) => relayKid(trust, one.name) === one.kid).map((one) => [one.name, one]),
      ),
      holders: new Map(held.map(({ on, command }) => [on, command])),
    };
  };

  const relayViews = async ({ trust, relays, now }: Look): Promise<RelayView[]> => {
    const admitted = [...trust.identities]
      .filter(([, { name }]) => trust.document.identities[name]?.kind === 'relay')
      .map(([kid, { name }]): RelayView => {
        const record = relays.get(name);
        return {
          name,
          state: 'admitted',
          fingerprint: fingerprint(kid),
          kid,
          version: record?.report?.version ?? null,
          protocol: record?.protocol ?? null,
          trust_version: record?.trustVersion ?? null,
          last_seen: record?.lastSeen ?? null,
          receipts_seq: record?.receipts.seq ?? 0,
          enrolment: null,
        };
      });
    // One that has polled was admitted: if trust does not name it any more, it waits for nothing.
    const known = new Set((await store.relays.all()).map(({ kid }) => kid));
    const pending = (await store.enrolments.usedSince(now - pendingForMs)).flatMap((one): RelayView[] =>
      one.used === null || trust.identities.has(one.used.kid) || known.has(one.used.kid)
        ? []
        : [
            {
              name: one.relay,
              state: 'pending',
              fingerprint: fingerprint(one.used.kid),
              kid: one.used.kid,
              version: null,
              protocol: null,
              trust_version: null,
              last_seen: null,
              receipts_seq: 0,
              enrolment: {
                code: one.code,
                statement: one.used.statement,
                owner_mac: one.used.ownerMac,
                enrolled_at: one.used.enrolledAt,
              },
            },
          ],
    );
    // What waits on another version of a relay that was approved since is of no more interest.
    const enrolledAfter = (view: RelayView): boolean =>
      !pending.some(
        (other) => other.name === view.name && other.enrolment!.enrolled_at > view.enrolment!.enrolled_at,
      );
    return [...admitted, ...pending.filter(enrolledAfter)].sort(
      (a, b) => a.name.localeCompare(b.name) || a.state.localeCompare(b.state),
    );
  };

  const warningsOf = (view: Look, hosts: readonly HostView[], relays: readonly RelayView[]): string[] => {
    const { trust, now } = view;
    const warnings: string[] = [];
    const left = Date.parse(trust.document.expires) - now;
    if (left <= 0)
      warnings.push('The trust document has expired: no relay does anything until a new one is signed.');
    else if (left < trustWarningMs) {
      warnings.push(
        `The trust document expires in ${Math.floor(left / 86_400_000)} days: sign a new version.`,
      );
    }
    for (const host of hosts) {
      if (host.state === 'silent' && !host.sleeps) warnings.push(host.sentence);
    }
    for (const relay of relays) {
      if (relay.state === 'pending') warnings.push(`A relay on ${relay.name} waits for your approval.`);
    }
    for (const { name, report } of view.relays.values()) {
      if (report === null) continue;
      if (report.refused.count > 0) {
        warnings.push(
          `The relay on ${name} refused ${report.refused.count} jobs that it could not tie to an order (${report.refused.code ?? 'no code'}).`,
        );
      }
      if (!report.clock_synchronised) warnings.push(`The clock of ${name} is not synchronised.`);
      if (report.proxmox !== 'ok' && report.proxmox !== 'none') {
        warnings.push(`The Proxmox of ${name} does not work for its relay (${report.proxmox}).`);
      }
    }
    return warnings;
  };

  const hosts = async () => {
    const view = await look();
    return view === null ? [] : hostViews(view);
  };

  return {
    hosts,
    guests: async () => {
      const view = await look();
      return view === null ? [] : guestViews(view);
    },
    relays: async () => {
      const view = await look();
      return view === null ? [] : relayViews(view);
    },
    reports: async () => {
      const view = await look();
      if (view === null) return [];
      const reports = await Promise.all(
        [...view.relays.values()].map(async ({ kid, name }) => ({
          relay: name,
          report: await store.relays.reportJws(kid),
        })),
      );
      return reports
        .flatMap(({ relay, report }) => (report === null ? [] : [{ relay, report }]))
        .sort((a, b) => a.relay.localeCompare(b.relay));
    },
    status: async () => {
      const view = await look();
      if (view === null) return null;
      const allHosts = hostViews(view);
      const allGuests = guestViews(view);
      const warnings = warningsOf(view, allHosts, await relayViews(view));
      const waiting = (await store.commands.waiting()).length;
      if (waiting > 0) warnings.push(waitingWarning(waiting));
      const running = allGuests.filter((guest) => guest.state === 'running').map((guest) => guest.title);
      const summary = allHosts.map((host) => host.sentence);
      if (running.length > 0) summary.push(`Running: ${running.join(', ')}.`);
      if (warnings.length > 0) {
        summary.push(warnings.length === 1 ? warnings[0]! : `${warnings.length} things need a look.`);
      }
      return {
        home: view.trust.document.home,
        time: view.now,
        sentence: summary.join(' '),
        warnings,
        hosts: allHosts,
        guests: allGuests,
      };
    },
    runbooks: async () =>
      Object.entries((await store.house.file())?.runbooks ?? {}).map(([name, { title }]) => ({
        name,
        title,
      })),
    file: () => store.house.file(),
    upload: async (grant, file) => {
      if ((await keeper.current()) === null) {
        return refused('not_set_up', 'Nobody has claimed this control plane yet.');
      }
      const house = houseOf(file);
      if (!house.ok) return refused('house_invalid', `The house file does not fit: ${house.detail}.`);
      const now = clock.now();
      await store.house.put(file, now, {
        time: now,
        event: 'house.uploaded',
        principal: principalText(grant.principal),
        facts: { runbooks: Object.keys(file.runbooks).length },
      });
      log.grew();
      return { ok: true, value: true };
    },
  };
}

const waitingWarning = (count: number): string =>
  `${count === 1 ? 'One order waits' : `${count} orders wait`} for your approval: writ approvals.`;

const hostViews = ({ trust, relays, holders, now }: Look): HostView[] =>
  Object.entries(trust.document.house.hosts).map(([name, host]) => {
    const record = relays.get(name);
    const { state, since } = hostState(record, now);
    const title = titleOf(trust.document.house, name);
    return {
      name,
      title,
      state,
      sleeps: host.sleeps,
      proxmox: record?.report?.proxmox ?? null,
      since,
      last_seen: record?.lastSeen ?? null,
      held_by: holders.get(`host:${name}`) ?? null,
      sentence: hostSentence(title, state, since === null ? null : now - since),
    };
  });

const guestViews = ({ trust, relays, holders, now }: Look): GuestView[] =>
  Object.entries(trust.document.house.guests).map(([name, guest]) => {
    const record = relays.get(guest.host);
    const awake = hostState(record, now).state === 'awake';
    const guests = record?.report?.guests ?? {};
    const reported = awake && Object.hasOwn(guests, name) ? guests[name] : undefined;
    const told = reported ?? { state: 'unseen', lock: null, agent: 'none', in_use: null };
    const title = titleOf(trust.document.house, name);
    return {
      name,
      title,
      host: guest.host,
      ...told,
      exclusive: guest.exclusive,
      reported_at: record?.reportAt ?? null,
      held_by: holders.get(`guest:${name}`) ?? null,
      sentence: guestSentence(title, told),
    };
  });
