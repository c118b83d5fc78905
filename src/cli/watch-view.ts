import type { GuestView, HostView, StatusView } from '../../schema/api/house.ts';
import type { CommandView } from '../../schema/api/orders.ts';
import { orderInWords } from './check-plan.ts';
import type { Piece, Tone } from './screen.ts';
import { ago } from './text.ts';

/** What the control plane said last. */
export type Watched = { readonly status: StatusView; readonly commands: readonly CommandView[] };

/** How many of the latest commands are shown. */
export const shownCommands = 8;

const hostTone: Readonly<Record<HostView['state'], Tone>> = {
  awake: 'good',
  off: 'dim',
  powering_off: 'wait',
  silent: 'bad',
  unseen: 'dim',
};
const guestTone = (state: GuestView['state']): Tone =>
  state === 'running' ? 'good' : state === 'stopped' || state === 'unseen' ? 'dim' : 'wait';
const commandTone = (state: CommandView['state']): Tone =>
  state === 'succeeded' ? 'good' : isOver(state) ? 'bad' : 'wait';
const isOver = (state: CommandView['state']): boolean => state !== 'running' && state !== 'waiting';

/** The whole view, line by line. `trouble` says why it is not the latest. */
export function viewOf({ status, commands }: Watched, now: number, trouble: string | null): Piece[][] {
  const lines: Piece[][] = [[[status.sentence, 'bold']]];
  if (trouble !== null) lines.push([[trouble, 'bad']]);
  for (const text of status.warnings) lines.push([[`Warning: ${text}`, 'wait']]);
  const guests = status.guests;
  const width = Math.max(
    0,
    ...status.hosts.map(({ name }) => name.length),
    ...guests.map((one) => one.name.length + 2),
  );
  for (const host of status.hosts) {
    lines.push(
      [],
      [
        [host.name.padEnd(width + 2), 'bold'],
        [host.state.replace('_', ' ').padEnd(14), hostTone[host.state]],
        [host.since === null ? '' : `since ${ago(now - host.since).replace(/ ago$/, '')}`, 'dim'],
      ],
    );
    for (const guest of guests.filter((one) => one.host === host.name)) {
      const more = [
        guest.agent === 'answers' ? 'agent answers' : guest.agent === 'silent' ? 'agent silent' : '',
        guest.in_use === true ? 'in use' : '',
        guest.held_by === null ? '' : `held by ${guest.held_by}`,
      ].filter((text) => text !== '');
      lines.push([
        [`  ${guest.name}`.padEnd(width + 2), 'plain'],
        [guest.state.padEnd(14), guestTone(guest.state)],
        [more.join(', '), 'dim'],
      ]);
    }
  }
  lines.push([], [['Commands', 'bold']]);
  if (commands.length === 0) lines.push([['  none yet', 'dim']]);
  for (const command of commands.slice(0, shownCommands)) {
    lines.push([
      [`  ${ago(now - command.created_at).padEnd(12)}`, 'dim'],
      [`${orderInWords(command).padEnd(24)} `, 'plain'],
      [`${command.state.padEnd(10)} `, commandTone(command.state)],
      [command.sentence, 'dim'],
    ]);
  }
  lines.push([], [['q quits', 'dim']]);
  return lines;
}

/** What is different, a sentence each; all of it where nothing was known. */
export function changesBetween(before: Watched | null, after: Watched): string[] {
  const told: string[] = [];
  const known = new Map(before?.status.hosts.map((host) => [host.name, host.state]));
  for (const host of after.status.hosts) {
    if (known.get(host.name) !== host.state) told.push(host.sentence);
  }
  const knownGuests = new Map(before?.status.guests.map((guest) => [guest.name, guest.state]));
  for (const guest of after.status.guests) {
    if (knownGuests.get(guest.name) !== guest.state) told.push(guest.sentence);
  }
  const knownWarnings = new Set(before?.status.warnings);
  for (const text of after.status.warnings) if (!knownWarnings.has(text)) told.push(`Warning: ${text}`);
  const knownCommands = new Map(before?.commands.map((command) => [command.id, command.state]));
  for (const command of [...after.commands].reverse()) {
    const state = knownCommands.get(command.id);
    // Commands that ended before the watch began are history, not news.
    if (state === command.state || (before === null && isOver(command.state))) continue;
    told.push(`${orderInWords(command)}: ${command.state}. ${command.sentence}`);
  }
  return told;
}
