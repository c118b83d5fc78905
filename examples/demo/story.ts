import type { GenericSchema, InferOutput } from 'valibot';
import { statusSchema } from '../../schema/api/house.ts';
import { type CommandView, commandListSchema, commandViewSchema } from '../../schema/api/orders.ts';
import { parsePayload } from '../../schema/jose/jws.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import { trustChainSchema } from '../../schema/wire/relay-api.ts';
import type { Home } from './home.ts';
import { createPhone, type Phone } from './phone.ts';
import { type Owned, writ } from './set-up.ts';
import { endOf, receiptsOf, trustOf } from './verify.ts';

/** Something that happened on the way, and how long after its order: told in milliseconds. */
export type Hop = { readonly hop: string; readonly ms: number };
export type Check = { readonly what: string; readonly ok: boolean; readonly saw?: string };

export type Teller = {
  /** A new part of the story. */
  part(title: string): void;
  hop(hop: Hop): void;
  check(check: Check): void;
};

export type Story = {
  readonly ok: boolean;
  readonly hops: readonly Hop[];
  readonly checks: readonly Check[];
};

const gaming = 201;
const devtop = 202;
const websvcs = 200;

/**
 * Plays what the project is for, and checks each thing it says: a sleeping tower is woken because somebody wants to
 * play, the guest that holds the graphics card makes room, and later everything sleeps again.
 */
export async function playStory(home: Home, owned: Owned, bootMs: number, teller: Teller): Promise<Story> {
  const hops: Hop[] = [];
  const checks: Check[] = [];
  const hop = (name: string, ms: number): void => {
    hops.push({ hop: name, ms });
    teller.hop({ hop: name, ms });
  };
  const check = (what: string, ok: boolean, saw?: string): void => {
    const one = { what, ok, ...(!ok && saw !== undefined && { saw }) };
    checks.push(one);
    teller.check(one);
  };
  const result = (): Story => ({ ok: checks.length > 0 && checks.every(({ ok }) => ok), hops, checks });
  const api = reader(createPhone({ ...owned, origin: home.origin }));

  try {
    teller.part('The tower is put to sleep by its owner');
    await untilAwake(api, ['cloud', 'pve1', 'pve2']);
    let begun = Date.now();
    await writ(home, ['sleep', 'pve2', '--yes'], { exits: [5] });
    await home.towerIs('off', 30_000);
    hop('owner_sleep_tower_off', Date.now() - begun);
    const asleep = (await api.status()).hosts.find(({ name }) => name === 'pve2');
    const sleeps = asleep?.state === 'off' || asleep?.state === 'powering_off';
    check('status knows that the tower was shut down', sleeps, asleep?.state);
    check('nothing of the tower runs', !home.isAlive('relay-pve2') && !home.isAlive('proxmox-pve2'));

    teller.part('A phone asks for a game');
    const seenBefore = home.towerNews.length;
    begun = Date.now();
    const answer = await api.phone.ask('POST', '/v1/runbooks/start-gaming/run?wait=50');
    const answeredMs = Date.now() - begun;
    check('the phone is answered in plain text', answer.type.startsWith('text/plain'), answer.type);
    let played = (await api.commands())[0]!;
    played = await untilEnded(api, played.id);
    check('the answer is 200 and the outcome', answer.status === 200, `${answer.status}: ${answer.text}`);
    check('the command succeeded', played.state === 'succeeded', `${played.state}: ${played.sentence}`);
    check('the phone heard what the command says', answer.text.trim() === played.sentence, answer.text);
    const news = home.towerNews.slice(seenBefore);
    for (const [name, wanted] of [
      ['magic_packet', 'packet'],
      ['tower_booting', 'booting'],
      ['tower_up', 'up'],
    ] as const) {
      const one = news.find((item) => item.news === wanted);
      check(`the tower told: ${wanted}`, one !== undefined);
      if (one !== undefined) hop(name, one.at - begun);
    }
    const up = news.find((item) => item.news === 'up');
    const booting = news.find((item) => item.news === 'booting');
    check(
      'the boot took its time',
      up !== undefined && booting !== undefined && up.at - booting.at >= bootMs,
    );

    const trust = await trustOf(home.configDir, await api.trust());
    const receipts = await receiptsOf(trust, played);
    const ends = [
      ['tower_awake', 'host.wake', 'pve2', 'pve1'],
      ['devtop_off', 'guest.shutdown', 'devtop', 'pve2'],
      ['gaming_runs', 'guest.start', 'gaming', 'pve2'],
    ] as const;
    const found = ends.map(([name, action, target, relay]) => {
      const end = endOf(receipts, action, target);
      const ok = end?.state === 'succeeded' && end.relay === relay;
      check(`${relay} signed that it did ${action} on ${target}`, ok, end === null ? 'nothing' : end.state);
      if (end !== null) hop(name, end.time - begun);
      return end;
    });
    check('they were done in this order', inOrder(found));
    check('each step began once, and ended once', receipts.length === 6, `${receipts.length} receipts`);
    check('devtop was shut down, not found off', found[1]?.result?.already === false);
    hop('answered', answeredMs);
    check('gaming runs and devtop does not', runs(home, gaming) && !runs(home, devtop));
    const pings = home
      .requests('pve2')
      .filter(({ path, status }) => path.endsWith(`/${gaming}/agent/ping`) && status === 200);
    check('the guest agent of gaming answered', pings.length > 0);

    teller.part('The phone puts the tower to sleep');
    const asked = home.requests('pve2').length;
    begun = Date.now();
    const goodNight = await api.phone.ask('POST', '/v1/hosts/pve2/sleep?wait=50');
    hop('sleep_answered', Date.now() - begun);
    const sleeping = (await api.commands())[0]!;
    check(
      'it is told as not confirmed yet',
      sleeping.state === 'unconfirmed' && goodNight.status === 200,
      `${sleeping.state}: ${goodNight.text}`,
    );
    await home.towerIs('off', 30_000);
    hop('tower_off', Date.now() - begun);
    const shutdowns = home
      .requests('pve2')
      .slice(asked)
      .filter(
        ({ method, path, status }) =>
          method === 'POST' && path.endsWith('/status/shutdown') && status === null,
      )
      .map(({ path }) => Number(path.split('/')[4]));
    check(
      'its guests went down first, in the order of trust',
      shutdowns.join() === `${gaming},${websvcs}`,
      shutdowns.join(),
    );

    teller.part('The phone wakes it once more');
    begun = Date.now();
    const morning = await api.phone.ask('POST', '/v1/hosts/pve2/wake?wait=50');
    hop('woken_again', Date.now() - begun);
    const woken = (await api.commands())[0]!;
    check(
      'it is awake',
      woken.state === 'succeeded' && morning.status === 200,
      `${woken.state}: ${morning.text}`,
    );
    const confirmed = await until(async () => {
      const command = await api.command(sleeping.id);
      return command.state === 'succeeded' ? command : undefined;
    }, 'the end of its shutdown');
    hop('shutdown_confirmed', Date.now() - begun);
    const night = endOf(await receiptsOf(trust, confirmed), 'host.shutdown', 'pve2');
    check(
      'its next boot signed that it had been shut down',
      night?.state === 'succeeded' && night.relay === 'pve2',
    );
    const morningEnd = endOf(await receiptsOf(trust, woken), 'host.wake', 'pve2');
    check('pve1 signed that it woke it', morningEnd?.state === 'succeeded' && morningEnd.relay === 'pve1');

    teller.part('The owner looks at it all');
    for (const { id } of [played, confirmed, woken]) {
      const shown = (await writ(home, ['command', id])) as { command: CommandView };
      check('writ command finds its receipts true', shown.command.state === 'succeeded', shown.command.state);
    }
    const audit = (await writ(home, ['audit', 'verify'])) as { seq: number };
    check('the audit log is whole', audit.seq > 0, String(audit.seq));
  } catch (error) {
    check('the story went on to its end', false, error instanceof Error ? error.message : String(error));
  }
  return result();
}

const runs = (home: Home, vmid: number): boolean => home.running('pve2').includes(vmid);

const inOrder = (ends: readonly (Receipt | null)[]): boolean =>
  ends.every(
    (end, index) => end !== null && (index === 0 || (ends[index - 1]?.time ?? Infinity) <= end.time),
  );

export type Reader = ReturnType<typeof reader>;

/** Reads the API as JSON, with the phone's token. */
export function reader(phone: Phone) {
  const get = async <S extends GenericSchema>(path: string, schema: S): Promise<InferOutput<S>> => {
    let answer = await phone.ask('GET', path, { accept: 'application/json', timeoutMs: 40_000 });
    while (answer.status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      answer = await phone.ask('GET', path, { accept: 'application/json', timeoutMs: 40_000 });
    }
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`);
    const parsed = parsePayload(answer.text, schema, 8 * 1024 * 1024);
    if (!parsed.ok) throw new Error(`GET ${path}: ${parsed.detail ?? parsed.reason}`);
    return parsed.value;
  };
  return {
    phone,
    status: () => get('/v1/status', statusSchema),
    /** With `waitS` as it is once it has ended, or after that time. */
    command: (id: string, waitS = 0) => get(`/v1/commands/${id}?wait=${waitS}`, commandViewSchema),
    /** The newest ones; with `before`, those before that command. */
    commands: async (before?: string) => {
      const page = before === undefined ? '' : `?before=${before}`;
      return (await get(`/v1/commands${page}`, commandListSchema)).commands;
    },
    trust: () => get('/v1/trust?after=0', trustChainSchema),
  };
}

/** A token may ask a few times a second. */
const pauseMs = 300;
const defaultPatienceMs = 60_000;

/** Asks until there is something; rejects when that takes too long. */
export async function until<T>(
  find: () => Promise<T | undefined>,
  what: string,
  patienceMs = defaultPatienceMs,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come within ${patienceMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

export const untilEnded = (api: Reader, id: string): Promise<CommandView> =>
  until(async () => {
    const command = await api.command(id, 20);
    return command.state === 'running' ? undefined : command;
  }, `the end of ${id}`);

/** Until all these hosts' relays have reported, and every guest of them has been seen. */
export const untilAwake = (api: Reader, hosts: readonly string[]): Promise<true> =>
  until(
    async () => {
      const status = await api.status();
      const awake = status.hosts.filter(
        ({ name, state }) => hosts.includes(name) && state === 'awake',
      ).length;
      const seen = status.guests
        .filter(({ host }) => hosts.includes(host))
        .every(({ state }) => state !== 'unseen');
      return awake === hosts.length && seen ? true : undefined;
    },
    `a report of ${hosts.join(', ')}`,
  );
