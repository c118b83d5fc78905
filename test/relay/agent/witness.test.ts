import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type AlarmPath, createAlarmPath, type PathMessage } from '../../../relay/agent/alarm-path.ts';
import { createJournal, type Journal, openJournal } from '../../../relay/agent/journal.ts';
import { runWitness } from '../../../relay/agent/witness.ts';
import { maxWitnessBytes, witnessSchema } from '../../../schema/chain/witness.ts';
import { verifyJws } from '../../../schema/jose/jws.ts';
import type { TrustDocument } from '../../../schema/trust/document.ts';
import { type Inbox, startInbox } from '../../support/inbox.ts';
import { makeTestHome, type TestHome, testDigest } from '../../support/relay-home.ts';
import { createMemoryDisk, createTestClock, type MemoryDisk, quietLog, type TestClock } from './fixture.ts';

const hourMs = 60 * 60_000;
const relay = 'pve1';

let home: TestHome;
let disk: MemoryDisk;
let clock: TestClock;
let journal: Journal;
/** What was given to the path, and what it answers with. */
let told: PathMessage[];
let answer: 'sent' | 'failed' | 'no_path';
let stop: AbortController;
let running: Promise<void>;

/** A witness as the owner's computer reads it. */
async function read(text: string): Promise<{ seq: number; hash: string; time: number }> {
  const { key } = [...home.trust().identities.values()].find(({ name }) => name === relay)!;
  const options = { maxBytes: maxWitnessBytes, findKey: () => key, schema: witnessSchema };
  const verified = await verifyJws('witness', text, options);
  assert.ok(verified.ok, JSON.stringify(verified));
  const { seq, hash, time, ...who } = verified.value.payload;
  assert.deepEqual(who, { home: home.id, relay });
  return { seq, hash, time };
}

const seqs = async (): Promise<number[]> => {
  const all = await Promise.all(told.map(({ text }) => read(text)));
  return all.map(({ seq }) => seq);
};

/** Lets everything that woke have its say. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Lets hours pass, in steps in which everything that wakes has its say. */
async function pass(ms: number, stepMs = ms): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await settle();
  }
}

const fakePath: Pick<AlarmPath, 'post'> = {
  post: async (message) => {
    told.push(message);
    return answer;
  },
};

async function start(path = fakePath): Promise<void> {
  stop = new AbortController();
  const key = home.relays[relay]!.signing;
  const deps = { home: home.id, relay, key, journal, path, clock, random: () => 0.999, log: quietLog() };
  running = runWitness(deps, stop.signal);
  await settle();
}

async function end(): Promise<void> {
  stop.abort();
  await running;
}

async function hear(seq: number, letter: string): Promise<void> {
  await journal.append([{ k: 'audit', seq, hash: testDigest(letter) }]);
}

async function restart(): Promise<void> {
  await end();
  await journal.close();
  const opened = await openJournal({ disk, clock, log: quietLog() });
  assert.ok(opened.ok);
  journal = opened.value;
  await start();
}

beforeEach(async () => {
  told = [];
  answer = 'sent';
  home = await makeTestHome({ origins: [{ url: 'https://192.0.2.1:8420' }] });
  clock = createTestClock();
  disk = createMemoryDisk();
  const { digest } = home.trust();
  const kid = home.relays[relay]!.signing.kid;
  const genesis = { home: home.id, relay, kid, trust: { version: 1, digest } };
  journal = await createJournal({ disk, clock, log: quietLog() }, genesis);
});
afterEach(async () => {
  await end();
  await journal.close();
});

describe('threat 13: a relay witnesses the audit log', () => {
  it('says nothing before there is anything to witness', async () => {
    await start();
    await pass(3 * hourMs, hourMs);
    assert.equal(told.length, 0);
    await hear(1, 'a');
    await pass(60_000);
    assert.deepEqual(await seqs(), [1]);
  });

  it('does so once a day with what it knows then, and a restart repeats nothing', async () => {
    await hear(7, 'a');
    await start();
    assert.deepEqual(await read(told[0]!.text), { seq: 7, hash: testDigest('a'), time: clock.now() });
    await hear(9, 'b');
    await pass(12 * hourMs, hourMs);
    await restart();
    await pass(11 * hourMs, hourMs);
    assert.equal(told.length, 1);
    await pass(hourMs);
    assert.deepEqual(await seqs(), [7, 9]);
  });

  it('is late by no more than its host was away', async () => {
    await hear(7, 'a');
    await start();
    await end();
    clock.advance(25 * hourMs);
    await restart();
    assert.equal(told.length, 2);
  });

  it('tries again without flooding while the path does not work, and then tells the newest alone', async () => {
    answer = 'failed';
    await hear(7, 'a');
    await start();
    await pass(24 * hourMs, hourMs / 4);
    const tried = told.length;
    assert.ok(tried >= 20 && tried <= 40, `${tried} attempts in a day`);
    await hear(9, 'b');
    answer = 'sent';
    await pass(2 * hourMs, hourMs / 4);
    assert.equal(told.length, tried + 1);
    assert.equal((await seqs()).at(-1), 9);
  });

  it('is not silenced by a clock that was ahead for a while', async () => {
    const aheadMs = 400 * 24 * hourMs;
    await hear(7, 'a');
    clock.set(clock.now() + aheadMs);
    await start();
    assert.equal(told.length, 1);
    clock.set(clock.now() - aheadMs);
    await pass(hourMs);
    assert.equal(told.length, 2);
    await pass(23 * hourMs, hourMs);
    assert.equal(told.length, 2);
  });

  it('without a path tells nobody, and uses one that comes', async () => {
    answer = 'no_path';
    await hear(7, 'a');
    await start();
    assert.equal(journal.state.witnessed, 0);
    answer = 'sent';
    await pass(24 * hourMs, hourMs);
    assert.equal(told.length, 2);
    assert.equal(journal.state.witnessed, clock.now());
  });
});

describe('a witness by the alarm path', () => {
  let inbox: Inbox;
  let path: AlarmPath;
  const open = async (way: (url: string) => TrustDocument['alarm']): Promise<void> => {
    inbox = await startInbox();
    const document = { ...home.trust().document, alarm: way(inbox.url) };
    path = createAlarmPath({ home: home.id, relay, trust: () => document, log: quietLog() });
    await hear(7, 'a');
    await start(path);
  };
  afterEach(async () => {
    path.close();
    await inbox.close();
  });

  it('is a quiet text that ntfy takes', async () => {
    await open((url) => ({ ntfy: `${url}/writ` }));
    const { body, headers } = await inbox.until((message) => message.path === 'POST /writ');
    assert.equal((await read(body)).seq, 7);
    assert.equal(headers.priority, 'min');
    assert.match(String(headers.title), /pve1: the audit log has 7 entries/);
    assert.ok(Buffer.byteLength(body) < 4096);
  });

  it('comes to a webhook beside a sentence', async () => {
    await open((url) => ({ webhook: `${url}/hook` }));
    const { body } = await inbox.until((message) => message.path === 'POST /hook');
    const { witness, ...rest } = JSON.parse(body) as Record<string, unknown>;
    assert.equal((await read(String(witness))).seq, 7);
    assert.deepEqual(rest, {
      home: home.id,
      relay,
      code: 'witness',
      clear: false,
      text: 'pve1 saw the audit log with 7 entries.',
      time: clock.now(),
    });
  });
});
