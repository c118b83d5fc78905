import { ok, type Result, refuse } from '../../schema/result.ts';
import type { TrustGuest } from '../../schema/trust/document.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import type { ListedGuest } from '../drivers/proxmox-guests.ts';
import type { ActContext, CheckContext, ObserveContext, Outcome, RelayAction } from './action.ts';
import { checkIdentity, failedBy, interrupted, refOf, type Subject } from './guest.ts';
import { type InUse, patienceOf } from './guest-ending.ts';
import { checkUnused } from './in-use.ts';
import { codeOf, isUncertain, outcomeOf, type Trouble } from './proxmox-code.ts';
import { shutDownGuest } from './shut-down-guest.ts';

const orderAttempts = 3;
const betweenOrdersMs = 5_000;

type Running = { readonly name: string; readonly guest: TrustGuest; readonly listed: ListedGuest };

/** The house's guests of this host that are not stopped, in the order of their shutdown. */
async function findRunning(ctx: CheckContext, proxmox: Proxmox): Promise<Result<readonly Running[], string>> {
  const listed = await proxmox.listGuests(ctx.signal);
  if (!listed.ok) return refuse(codeOf(listed), listed.detail);
  const found: Running[] = [];
  for (const [name, guest] of Object.entries(ctx.house.guests)) {
    if (guest.host !== ctx.target) continue;
    const seen = listed.value.find(({ kind, vmid }) => kind === guest.kind && vmid === guest.vmid);
    if (seen !== undefined && seen.status !== 'stopped') found.push({ name, guest, listed: seen });
  }
  return ok(found.sort((a, b) => a.guest.order - b.guest.order));
}

/** Whether every running guest is the adopted one, can be shut down, and may be. */
async function checkGuests(
  ctx: CheckContext,
  proxmox: Proxmox,
  running: readonly Running[],
  inUse: InUse,
): Promise<Result<true, string>> {
  const checks = running.map(async ({ name, guest, listed }): Promise<Result<true, string>> => {
    const about = (result: Result<true, string>): Result<true, string> =>
      result.ok ? result : refuse(result.reason, `${name}: ${result.detail ?? result.reason}`);
    const same = await checkIdentity(proxmox, guest, ctx.signal);
    if (!same.ok) return about(same);
    if (listed.paused) return about(refuse('guest_paused', 'it is suspended: resume it first'));
    if (inUse === 'overrides') return ok(true);
    return about(await checkUnused(proxmox, guest, listed, ctx.signal));
  });
  const results = await Promise.all(checks);
  return results.find((result) => !result.ok) ?? ok(true);
}

/**
 * Guests of one order go down together, lower orders first. The first group with a survivor ends it, and so does
 * one that may not be shut down any more: the groups before it can take many minutes, in which people log in.
 */
async function shutDownGuests(
  ctx: ActContext,
  proxmox: Proxmox,
  running: readonly Running[],
  inUse: InUse,
): Promise<Trouble | null> {
  const patienceS = patienceOf(ctx);
  for (const order of new Set(running.map(({ guest }) => guest.order))) {
    const group = running.filter(({ guest }) => guest.order === order);
    const checked = await checkGuests(ctx, proxmox, group, inUse);
    if (ctx.signal.aborted) return interrupted;
    if (!checked.ok) return failedBy(checked);
    const troubles = await Promise.all(
      group.map(async ({ name, guest }) => {
        const subject: Subject = { proxmox, guest, ref: refOf(guest) };
        const trouble = await shutDownGuest(ctx, subject, patienceS);
        return trouble === null ? null : `${name}: ${trouble.code}`;
      }),
    );
    if (ctx.signal.aborted) return interrupted;
    const survivors = troubles.filter((trouble) => trouble !== null);
    if (survivors.length > 0) {
      return { state: 'failed', code: 'guests_survived', detail: survivors.join(', ') };
    }
  }
  // Somebody may have started one behind our back.
  const left = await findRunning(ctx, proxmox);
  if (!left.ok) return failedBy(left);
  if (left.value.length === 0) return null;
  const names = left.value.map(({ name }) => name).join(', ');
  return { state: 'failed', code: 'guests_survived', detail: names };
}

/** Gives the order to the node. An order that may have been lost is given again. */
async function powerDown(ctx: ActContext, proxmox: Proxmox, command: Command): Promise<Trouble | null> {
  for (let attempt = 1; ; attempt += 1) {
    const ordered =
      command === 'shutdown' ? await proxmox.nodeShutdown(ctx.signal) : await proxmox.nodeReboot(ctx.signal);
    if (ordered.ok) return null;
    if (ordered.reason === 'aborted' && !ordered.sent) return interrupted;
    if (ctx.signal.aborted) return null;
    if (!isUncertain(ordered)) return outcomeOf(ordered);
    if (attempt === orderAttempts) return null;
    await ctx.ports.clock.sleep(betweenOrdersMs, ctx.signal);
  }
}

type Command = 'shutdown' | 'reboot';

/** host.shutdown, host.reboot and their `-in-use` forms. */
export function powerAction(command: Command, inUse: InUse): RelayAction {
  const proxmoxOf = (ctx: CheckContext): Result<Proxmox, string> => {
    if (ctx.target !== ctx.relay) return refuse('relay_wrong', 'only the host itself powers itself off');
    return ctx.ports.proxmox === null
      ? refuse('proxmox_not_configured', 'this relay knows no Proxmox')
      : ok(ctx.ports.proxmox);
  };
  return {
    async precheck(ctx) {
      const proxmox = proxmoxOf(ctx);
      if (!proxmox.ok) return proxmox;
      const running = await findRunning(ctx, proxmox.value);
      return running.ok ? checkGuests(ctx, proxmox.value, running.value, inUse) : running;
    },
    async act(ctx) {
      const proxmox = proxmoxOf(ctx);
      if (!proxmox.ok) return failedBy(proxmox);
      const running = await findRunning(ctx, proxmox.value);
      if (!running.ok) return failedBy(running);
      ctx.progress('waiting');
      const trouble = await shutDownGuests(ctx, proxmox.value, running.value, inUse);
      if (trouble !== null) return trouble;
      const announced = await ctx.announcePowerOff();
      if (!announced.ok) return failedBy(announced);
      const refused = await powerDown(ctx, proxmox.value, command);
      if (refused !== null) return refused;
      return { state: 'pending_boot' };
    },
    observe: async (ctx) => observeBoot(ctx),
  };
}

/** A host that was told to go down and has booted since did go down. */
const observeBoot = (ctx: ObserveContext): Outcome =>
  ctx.powerOffAnnounced && ctx.bootNow !== ctx.bootAtStart ? { state: 'succeeded', result: {} } : interrupted;
