import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createHome, type Home } from '../../examples/demo/home.ts';
import { createPhone } from '../../examples/demo/phone.ts';
import type { LoggedRequest } from '../../examples/demo/proxmox-main.ts';
import { setUp } from '../../examples/demo/set-up.ts';
import { type Reader, reader, until, untilAwake } from '../../examples/demo/story.ts';
import { endOf, receiptsOf, trustOf } from '../../examples/demo/verify.ts';
import type { CommandView } from '../../schema/api/orders.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Receipt } from '../../schema/wire/receipt.ts';
import {
  endOfCommand,
  mend,
  orderUntilAnswered,
  seeded,
  strike,
  type Victim,
  victims,
} from './kill-scene.ts';

const kills = Number(process.env.WRIT_KILLS ?? 5);
const seed = Number(process.env.WRIT_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]! >>> 1);
const random = seeded(seed);
const upTo = (most: number): number => Math.floor(random() * most);

const gaming = 201;
const devtop = 202;

let home: Home;
let api: Reader;
let trust: Trust;

before(
  async () => {
    home = await createHome({ bootMs: 200 });
    const owned = await setUp(home, () => {}, { limit: '10000/1h' });
    api = reader(createPhone({ ...owned, origin: home.origin }));
    await untilAwake(api, ['cloud', 'pve1', 'pve2']);
    trust = await trustOf(home.configDir, await api.trust());
  },
  { timeout: 180_000 },
);
after(() => home?.close());

type Scene = { readonly path: string; prepare(): Promise<void> };

/** Orders, undisturbed, what brings the tower to where a scene begins. */
const asleep = async (): Promise<void> => {
  await until(
    async () => {
      if (!home.towerIsOn()) return true;
      await home.writ(['sleep', 'pve2', '--yes', '--even-if-in-use']);
      await home.towerIs('off', 15_000).catch(() => {});
      return home.towerIsOn() ? undefined : true;
    },
    'sleep',
    180_000,
  );
};
const awake = async (): Promise<void> => {
  await until(
    async () => {
      if (!home.towerIsOn()) await home.writ(['wake', 'pve2', '--yes']);
      return home.towerIsOn() ? true : undefined;
    },
    'waking',
    180_000,
  );
  await untilAwake(api, ['pve2']);
};

const scenes: readonly Scene[] = [
  { path: '/v1/runbooks/start-gaming/run?wait=50', prepare: asleep },
  { path: '/v1/hosts/pve2/sleep?wait=50', prepare: awake },
  { path: '/v1/hosts/pve2/wake?wait=50', prepare: asleep },
];

/** Those at work are killed more often than the two that look on. */
const draws: readonly Victim[] = [...victims, ...victims.slice(0, 4), ...victims.slice(0, 4)];

/** About as long as a scene takes: blows fall anywhere in it. */
const sceneMs = 4_500;

for (let round = 1; round <= kills; round += 1) {
  const scene = scenes[(round - 1) % scenes.length]!;
  const victim: Victim = draws[upTo(draws.length)]!;
  const blow = { victim, afterMs: upTo(sceneMs), downMs: upTo(800) };
  const name = `kill ${round} of ${kills} (seed ${seed}): ${victim} ${blow.afterMs} ms into ${scene.path}`;

  test(name, { timeout: 600_000 }, async (t) => {
    const begun = Date.now();
    await scene.prepare();
    const prepared = Date.now();
    const known = new Set((await api.commands()).map(({ id }) => id));
    const newsBefore = home.towerNews.length;
    const asked = home.requests('pve2').length;

    const over = new AbortController();
    const ordering = orderUntilAnswered(api.phone, scene.path).finally(() => over.abort());
    const struck = strike(home, blow, over.signal);
    const told = await ordering;
    const hit = await struck;
    await mend(home);
    const ended = await endOfCommand(api, told.id);
    t.diagnostic(`prepared in ${prepared - begun} ms, ended in ${Date.now() - prepared} ms`);
    t.diagnostic(
      `${hit ? 'struck' : 'missed'}; told ${told.state}, ended ${ended.state} (${ended.code}): ${ended.sentence}`,
    );

    const made = (await api.commands()).filter(({ id }) => !known.has(id));
    assert.deepEqual(
      made.map(({ id }) => id),
      [told.id],
      'one order, one command',
    );
    const final = await settled(told.id);
    await outcomeIsTrue(final, told);
    const since = {
      news: home.towerNews.slice(newsBefore).map(({ news }) => news),
      requests: home.requests('pve2').slice(asked),
    };
    effectsAreTold(final, await receiptsOf(trust, final), since, hit ? victim : null);
  });
}

test(`after all kills (seed ${seed}): every command has ended, and the relays’ chains of receipts are whole`, {
  timeout: 300_000,
}, async () => {
  await awake();
  const commands = await until(
    async () => {
      const all = await allCommands();
      // The tower has booted since: it tells the end of every shutdown, once it has found the API again.
      return all.some(({ state }) => state === 'running' || state === 'unconfirmed') ? undefined : all;
    },
    'the end of every command',
    120_000,
  );
  const texts = new Map<string, { text: string; receipt: Receipt }[]>();
  for (const command of commands) {
    const receipts = await receiptsOf(trust, command);
    for (const [index, receipt] of receipts.entries()) {
      const chain = texts.get(receipt.relay) ?? [];
      chain.push({ text: command.receipts[index]!, receipt });
      texts.set(receipt.relay, chain);
    }
  }
  assert.ok(texts.size > 0);
  for (const [relay, chain] of texts) {
    chain.sort((a, b) => a.receipt.seq - b.receipt.seq);
    let previous = await digestOf('receipt', '');
    for (const [index, { text, receipt }] of chain.entries()) {
      assert.equal(receipt.seq, index + 1, `${relay}: no receipt is lost or doubled`);
      assert.equal(receipt.previous, previous, `${relay}: receipt ${receipt.seq} follows the one before`);
      previous = await digestOf('receipt', text);
    }
  }
  const audit = await home.writ(['audit', 'verify']);
  assert.equal(audit.exit, 0, audit.err);
});

/** All commands, page by page. */
async function allCommands(): Promise<readonly CommandView[]> {
  const all: CommandView[] = [];
  for (;;) {
    const page = await api.commands(all.at(-1)?.id);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** A command after its last word: what is `unconfirmed` may still become something else for a moment. */
async function settled(id: string): Promise<CommandView> {
  const command = await api.command(id);
  if (command.state !== 'unconfirmed') return command;
  // Either the tower goes off now, or its relay finds out that it did not.
  await until(
    async () => {
      if (!home.towerIsOn()) return true;
      return (await api.command(id)).state === 'unconfirmed' ? undefined : true;
    },
    `the tower's end, or another word on ${id}`,
    90_000,
  );
  return api.command(id);
}

/** What was told, then and now, is what the relays signed. */
async function outcomeIsTrue(command: CommandView, told: CommandView): Promise<void> {
  const receipts = await receiptsOf(trust, command);
  for (const step of command.steps) {
    const intent = command.intents[step.attempt];
    const mine = receipts.filter((one) => one.intent === intent && one.step === step.step);
    const end = endOf(mine, step.action, step.target);
    const label = `${command.id}, step ${step.step} (${step.action} ${step.target}): ${step.state}`;
    if (['succeeded', 'failed', 'unknown'].includes(step.state)) {
      assert.equal(end?.state, step.state, label);
    } else if (['skipped', 'expired', 'waiting', 'queued', 'sent'].includes(step.state)) {
      assert.equal(mine.length, 0, `${label}, and yet its relay signed something`);
    }
  }
  const succeeded = command.steps.filter(({ attempt }) => attempt === command.intents.length - 1);
  assert.equal(
    command.state === 'succeeded',
    succeeded.every(({ state }) => state === 'succeeded'),
  );
  // What comes later may tell more, never the opposite.
  if (told.state === 'succeeded' || told.state === 'failed' || told.state === 'refused') {
    assert.equal(command.state, told.state, `${told.id} was told as ${told.state}`);
  }
}

/** What the simulated machines did is what the command says, and none of it happened twice. */
function effectsAreTold(
  command: CommandView,
  receipts: readonly Receipt[],
  since: { readonly news: readonly string[]; readonly requests: readonly LoggedRequest[] },
  victim: Victim | null,
): void {
  const posts = (vmid: number, verb: string): LoggedRequest[] =>
    since.requests.filter(
      ({ method, path }) => method === 'POST' && path.endsWith(`/qemu/${vmid}/status/${verb}`),
    );
  const came = (all: readonly LoggedRequest[]): number => all.filter(({ status }) => status === null).length;
  const taken = (all: readonly LoggedRequest[]): number => all.filter(({ status }) => status === 200).length;
  const stateOf = (action: string, target: string): string | undefined =>
    command.steps.findLast((step) => step.action === action && step.target === target)?.state;
  const began = (action: string, target: string): boolean =>
    receipts.some((one) => one.action === action && one.target === target && one.state === 'started');

  const starts = posts(gaming, 'start');
  assert.ok(taken(starts) <= 1, `gaming was started ${taken(starts)} times`);
  if (victim !== 'proxmox-pve2')
    assert.ok(came(starts) <= 1, `gaming was ordered to start ${came(starts)} times`);
  if (!began('guest.start', 'gaming'))
    assert.equal(came(starts), 0, 'nothing is done without a journalled start');
  if (stateOf('guest.start', 'gaming') === 'succeeded') {
    assert.ok(home.running('pve2').includes(gaming), 'gaming was told to run, and does not');
    assert.ok(!home.running('pve2').includes(devtop), 'devtop was told to be off, and runs');
  }

  const shutdowns = posts(devtop, 'shutdown');
  // The press of the button is repeated by design when the server lost its task, and for no other reason.
  if (victim !== 'proxmox-pve2')
    assert.ok(came(shutdowns) <= 1, `devtop was shut down ${came(shutdowns)} times`);
  if (!began('guest.shutdown', 'devtop') && !began('host.shutdown', 'pve2')) assert.equal(came(shutdowns), 0);

  const offs = since.news.filter((news) => news === 'off').length;
  assert.ok(offs <= 1, `the tower went off ${offs} times`);
  if (!began('host.shutdown', 'pve2')) assert.equal(offs, 0, 'nobody journalled the shutdown of the tower');
  if (stateOf('host.shutdown', 'pve2') === 'succeeded') assert.equal(offs, 1, 'the tower was told to be off');

  const boots = since.news.filter((news) => news === 'booting').length;
  assert.ok(boots <= 1, `the tower booted ${boots} times`);
  if (stateOf('host.wake', 'pve2') === 'succeeded')
    assert.ok(home.towerIsOn(), 'the tower was told to be awake');
  if (!began('host.wake', 'pve2')) assert.equal(boots, 0, 'nobody journalled the waking of the tower');
}
