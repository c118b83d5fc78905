import type { TrustGuest } from '../../schema/trust/document.ts';
import type { GuestReport, Report } from '../../schema/wire/report.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import { type GuestIdentity, isPinned, type ListedGuest } from '../drivers/proxmox-guests.ts';

/** What this host's Proxmox shows of the house's guests. */
export type View = Pick<Report, 'proxmox' | 'guests'>;

const unseen: GuestReport = { state: 'unseen', lock: null, agent: 'none', in_use: null };
const absent = (state: 'missing' | 'mismatch'): GuestReport => ({ ...unseen, state });

const identityForMs = 5 * 60_000;

/** Looks at guests for reports. Keeps identities for some minutes; actions ask for themselves each time. */
export function createLook(deps: {
  readonly proxmox: Proxmox | null;
  readonly clock: { uptimeMs(): number };
}): (guests: Readonly<Record<string, TrustGuest>>, signal: AbortSignal) => Promise<View> {
  const { proxmox, clock } = deps;
  const identities = new Map<string, { identity: GuestIdentity; atMs: number }>();

  const identityOf = async (
    px: Proxmox,
    guest: TrustGuest,
    signal: AbortSignal,
  ): Promise<GuestIdentity | 'unseen' | null> => {
    const key = `${guest.kind}/${guest.vmid}`;
    const known = identities.get(key);
    if (known !== undefined && clock.uptimeMs() - known.atMs < identityForMs) return known.identity;
    identities.delete(key);
    const found = await px.guestIdentity(guest, signal);
    if (!found.ok) return found.reason === 'no_identity' ? null : 'unseen';
    identities.set(key, { identity: found.value, atMs: clock.uptimeMs() });
    return found.value;
  };

  const lookAt = async (
    px: Proxmox,
    guest: TrustGuest,
    listed: ListedGuest | undefined,
    signal: AbortSignal,
  ): Promise<GuestReport> => {
    if (listed === undefined) return absent('missing');
    if (listed.kind !== guest.kind) return absent('mismatch');
    if (guest.identity !== undefined) {
      const identity = await identityOf(px, guest, signal);
      if (identity === 'unseen') return unseen;
      if (identity === null || !isPinned(identity, guest.identity)) return absent('mismatch');
    }
    const state = listed.status === 'stopped' ? 'stopped' : listed.paused ? 'paused' : 'running';
    const seen = { state, lock: listed.lock?.slice(0, 32) ?? null } as const;
    if (state === 'stopped') {
      return { ...seen, agent: 'none', in_use: guest.in_use === 'sessions' ? false : null };
    }
    const asks = guest.agent && guest.kind === 'qemu' && state === 'running';
    if (guest.in_use === 'never') {
      if (!asks) return { ...seen, agent: 'none', in_use: null };
      const answer = await px.agentPing(guest, signal);
      if (answer.ok) return { ...seen, agent: 'answers', in_use: null };
      const none = answer.reason === 'agent_not_configured';
      return { ...seen, agent: none ? 'none' : 'silent', in_use: null };
    }
    // No answer counts as in use, as it does when an action asks.
    if (guest.kind !== 'qemu' || state !== 'running') return { ...seen, agent: 'none', in_use: true };
    const users = await px.agentUsers(guest, signal);
    if (users.ok) return { ...seen, agent: 'answers', in_use: users.value.length > 0 };
    return { ...seen, agent: users.reason === 'agent_not_configured' ? 'none' : 'silent', in_use: true };
  };

  return async (guests, signal) => {
    const entries = Object.entries(guests);
    const all = (report: GuestReport) => Object.fromEntries(entries.map(([name]) => [name, report]));
    if (proxmox === null) return { proxmox: 'none', guests: all(unseen) };
    const listed = await proxmox.listGuests(signal);
    if (!listed.ok) {
      // The caller's patience ended: to the reader of a report that is the server's slowness.
      const reason = listed.reason === 'aborted' ? 'timeout' : listed.reason;
      return { proxmox: reason, guests: all(unseen) };
    }
    const looks = entries.map(
      async ([name, guest]): Promise<[string, GuestReport]> => [
        name,
        await lookAt(
          proxmox,
          guest,
          listed.value.find(({ vmid }) => vmid === guest.vmid),
          signal,
        ),
      ],
    );
    return { proxmox: 'ok', guests: Object.fromEntries(await Promise.all(looks)) };
  };
}
