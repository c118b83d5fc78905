import { randomUUID } from 'node:crypto';
import type { Home, PartName } from '../../examples/demo/home.ts';
import type { Phone } from '../../examples/demo/phone.ts';
import { type Reader, until } from '../../examples/demo/story.ts';
import { type CommandView, commandViewSchema } from '../../schema/api/orders.ts';
import { parsePayload } from '../../schema/jose/jws.ts';

/** What may be killed. The tower as a whole is a power cut, which is another story. */
export const victims = [
  'api',
  'relay-pve1',
  'relay-pve2',
  'proxmox-pve2',
  'proxmox-pve1',
  'relay-cloud',
] as const satisfies readonly PartName[];
export type Victim = (typeof victims)[number];

/** mulberry32: one seed, one series. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export type Blow = { readonly victim: Victim; readonly afterMs: number; readonly downMs: number };

/**
 * Kills a process at a moment, or as soon after as it runs, and starts it again. Gives up on one that does not come
 * to run while the order is under way.
 */
export async function strike(home: Home, blow: Blow, over: AbortSignal): Promise<boolean> {
  await pause(blow.afterMs);
  while (!home.isAlive(blow.victim)) {
    if (over.aborted) return false;
    await pause(10);
  }
  await home.kill(blow.victim);
  await pause(blow.downMs);
  await home.start(blow.victim);
  return true;
}

/** Has everything run again that a blow may have left dead, such as a part of a tower that went off meanwhile. */
export async function mend(home: Home): Promise<void> {
  for (const victim of victims) if (!home.isAlive(victim)) await home.start(victim);
}

/**
 * Orders as a stubborn phone would: the same request with the same idempotency key until an answer comes. Gives the
 * command as that answer told it.
 */
export async function orderUntilAnswered(phone: Phone, path: string): Promise<CommandView> {
  const idempotencyKey = randomUUID();
  return until(
    async () => {
      const answer = await phone
        .ask('POST', path, { accept: 'application/json', idempotencyKey, timeoutMs: 60_000 })
        .catch(() => null);
      if (answer === null || answer.status === 429 || answer.status >= 500) return undefined;
      if (answer.status !== 200 && answer.status !== 202) throw new Error(`${answer.status}: ${answer.text}`);
      const command = parsePayload(answer.text, commandViewSchema, 8 * 1024 * 1024);
      if (!command.ok) throw new Error(`the answer is no command: ${command.detail}`);
      return command.value;
    },
    `an answer to ${path}`,
    180_000,
  );
}

/** The end of a command, although the API may be away in between. */
export const endOfCommand = (api: Reader, id: string): Promise<CommandView> =>
  until(
    async () => {
      const command = await api.command(id, 20).catch(() => null);
      return command === null || command.state === 'running' ? undefined : command;
    },
    `the end of ${id}`,
    300_000,
  );
