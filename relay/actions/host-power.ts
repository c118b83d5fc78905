import { ok, type Result, refuse } from '../../schema/result.ts';
import type { TrustGuest } from '../../schema/trust/document.ts';
import type { Proxmox } from '../drivers/proxmox.ts';
import { endIsUnknown } from '../drivers/proxmox-errors.ts';
import type { ListedGuest } from '../drivers/proxmox-guests.ts';
import type { ActContext, CheckContext, ObserveContext, Outcome, RelayAction } from './action.ts';
import { checkIdentity, failedBy, interrupted, refOf, type Subject } from './guest.ts';
import { type InUse, patienceOf } from './guest-ending.ts';
import { checkUnused } from './in-use.ts';
import { codeOf, outcomeOf, type Trouble } from './proxmox-code.ts';
import { shutDownGuest } from './shut-down-guest.ts';

const orderAttempts = 3;
const betweenOrdersMs = 5_000;

type Running = { readonly name: string; readonly guest: TrustGuest; readonly listed: ListedGuest };

/** What runs on this host: the house's guests in the order of their shutdown, and what trust does not name. */
type Found = { readonly ours: readonly Running[]; readonly strangers: readonly string[] };

const nameOf = ({ kind, vmid }: ListedGuest): string => `${kind}/${vmid}`;

async function findRunning(ctx: CheckContext, proxmox: Proxmox): Promise<Result<Found, string>> {
  const listed = await proxmox.listGuests(ctx.signal);
  if (!listed.ok) return refuse(codeOf(listed), listed.detail);
  const ours: Running[] = [];
  const strangers: string[] = [];
  const here = Object.entries(ctx.house.guests).filter(([, guest]) => guest.host === ctx.target);
  for (const seen of listed.value) {
    if (seen.status === 'stopped') continue;
    const named = here.find(([, { kind, vmid }]) => kind === seen.kind && vmid === seen.vmid);
    if (named === undefined) strangers.push(nameOf(seen));
    else ours.push({ name: named[0], guest: named[1], listed: seen });
  }
  return ok({ ours: ours.sort((a, b) => a.guest.order - b.guest.order), strangers });
}

/**
 * What is not of the house has an owner whom nobody asked: the mild forms leave the host to it. The `-in-use`
 * forms leave it to the shutdown that Proxmox VE itself gives all guests when its host goes down.
 */
const checkStrangers = (strangers: readonly string[], inUse: InUse): Result<true, string> =>
  strangers.length === 0 || inUse === 'overrides'
    ? ok(true)
    : refuse('strangers_run', `not named by trust: ${strangers.join(', ')}`);

/** Sets apart what is no longer the guest that was adopted under its VMID: that is a stranger, too. */
async function setStrangersApart(
  ctx: CheckContext,
  proxmox: Proxmox,
  { ours, strangers }: Found,
): Promise<Result<Found, string>> {
  const checks = await Promise.all(ours.map(({ guest }) => checkIdentity(proxmox, guest, ctx.signal)));
  const still: Running[] = [];
  const others = [...strangers];
  for (const [at, running] of ours.entries()) {
    const same = checks[at]!;
    if (same.ok) still.push(running);
    else if (same.reason === 'guest_mismatch') others.push(nameOf(running.listed));
    else return refuse(same.reason, `${running.name}: ${same.detail ?? same.reason}`);
  }
  return ok({ ours: still, strangers: others });
}

/** Whether every running guest can be shut down, and may be. Gives those that are the house's. */
async function checkGuests(
  ctx: CheckContext,
  proxmox: Proxmox,
  found: Found,
  inUse: InUse,
): Promise<Result<readonly Running[], string>> {
  const known = await setStrangersApart(ctx, proxmox, found);
  if (!known.ok) return known;
  const alone = checkStrangers(known.value.strangers, inUse);
  if (!alone.ok) return alone;
  const checks = known.value.ours.map(async ({ name, guest, listed }): Promise<Result<true, string>> => {
    const about = (result: Result<true, string>): Result<true, string> =>
      result.ok ? result : refuse(result.reason, `${name}: ${result.detail ?? result.reason}`);
    if (listed.paused) return about(refuse('guest_paused', 'it is suspended: resume it first'));
    if (inUse === 'overrides') return ok(true);
    return about(await checkUnused(proxmox, guest, listed, ctx.signal));
  });
  const results = await Promise.all(checks);
  return results.find((result) => !result.ok) ?? ok(known.value.ours);
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
    const checked = await checkGuests(ctx, proxmox, { ours: group, strangers: [] }, inUse);
    if (ctx.signal.aborted) return interrupted;
    if (!checked.ok) return failedBy(checked);
    const troubles = await Promise.all(
      checked.value.map(async ({ name, guest }) => {
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
  const seen = await findRunning(ctx, proxmox);
  const left = seen.ok ? await setStrangersApart(ctx, proxmox, seen.value) : seen;
  if (!left.ok) return failedBy(left);
  const { ours, strangers } = left.value;
  if (ours.length > 0) {
    return { state: 'failed', code: 'guests_survived', detail: ours.map(({ name }) => name).join(', ') };
  }
  const alone = checkStrangers(strangers, inUse);
  return alone.ok ? null : failedBy(alone);
}

/** Gives the order to the node. An order that may have been lost is given again. */
async function powerDown(ctx: ActContext, proxmox: Proxmox, command: Command): Promise<Trouble | null> {
  for (let attempt = 1; ; attempt += 1) {
    const ordered =
      command === 'shutdown' ? await proxmox.nodeShutdown(ctx.signal) : await proxmox.nodeReboot(ctx.signal);
    if (ordered.ok) return null;
    if (ordered.reason === 'aborted' && !ordered.sent) return interrupted;
    if (ctx.signal.aborted) return null;
    if (!endIsUnknown(ordered)) return outcomeOf(ordered);
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
      const checked = running.ok ? await checkGuests(ctx, proxmox.value, running.value, inUse) : running;
      return checked.ok ? ok(true) : checked;
    },
    async act(ctx) {
      const proxmox = proxmoxOf(ctx);
      if (!proxmox.ok) return failedBy(proxmox);
      const running = await findRunning(ctx, proxmox.value);
      if (!running.ok) return failedBy(running);
      const alone = checkStrangers(running.value.strangers, inUse);
      if (!alone.ok) return failedBy(alone);
      ctx.progress('waiting');
      const trouble = await shutDownGuests(ctx, proxmox.value, running.value.ours, inUse);
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
