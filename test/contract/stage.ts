import assert from 'node:assert/strict';
import type { CommandView } from '../../schema/api/orders.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import type { House } from '../../schema/trust/document.ts';
import type { PollAnswer } from '../../schema/wire/relay-api.ts';
import type { Control, RelayCaller } from '../../src/control/control.ts';
import type { Reason } from '../../src/domain/errors.ts';
import { type Answer, type Callers, callersOf, type HttpsCall } from '../support/claimed-server.ts';
import { type FakeRelay, fakeRelay, type OpenJob, openJob, testHouseFile } from '../support/control-home.ts';
import { testHouse } from '../support/relay-home.ts';
import type { Subject } from './subject.ts';

/** A host without a relay yet beside those of the test house, to be enrolled. */
const attic = { title: 'the attic', proxmox: true, sleeps: false };
const house: House = { ...testHouse, hosts: { ...testHouse.hosts, attic } };
const houseFile: HouseFile = { ...testHouseFile, hosts: { ...testHouseFile.hosts, attic } };

/** One instance under test, and everybody who speaks to it. */
export type Stage = Callers & {
  readonly subject: Subject;
  readonly houseFile: HouseFile;
  /** The always-on host and the tower, as long as the instance lives. */
  readonly pve1: FakeRelay;
  readonly pve2: FakeRelay;
  asOperator(method: string, url: string, body?: unknown, headers?: Headers): Promise<Answer>;
  /** A token for everything that a test orders as a phone. */
  phone(): Promise<string>;
  /** The tokens of the phones so far; the next test gets one of its own, because each may ask so often. */
  readonly phones: readonly string[];
  nextPhone(): void;
  /** Resolves once so many polls are parked. */
  untilParked(count: number): Promise<void>;
  asPhone(method: string, url: string, body?: unknown, headers?: Headers): Promise<Answer>;
  /** Orders as the phone and gives the command that was accepted. */
  order(url: string, headers?: Headers): Promise<CommandView>;
  command(id: string): Promise<CommandView>;
  /** Lets a relay fetch its next job. */
  nextJob(relay: FakeRelay): Promise<OpenJob>;
  /** Lets a relay do its next job well. */
  doNext(relay: FakeRelay, result?: Readonly<Record<string, string | number | boolean>>): Promise<OpenJob>;
  /** Lets the tower report that it is awake and both ad hoc guests are stopped. */
  wakeTower(): Promise<void>;
};
type Headers = Readonly<Record<string, string>>;

const phoneScope = [
  'status',
  'host.wake@pve2',
  'host.shutdown@pve2',
  'guest.start@gaming',
  'guest.shutdown@gaming',
  'guest.start@devtop',
  'guest.shutdown@devtop',
  'guest.stop@gaming',
  'run@just-gaming',
];

export async function makeStage(subject: Subject): Promise<Stage> {
  const callers = await callersOf(subject.origin, subject.setupCode, { house, houseFile });
  const { home } = callers;
  const relays = { home, clock: { now: Date.now }, control: { relay: relayOver(callers) } };
  const phones: string[] = [];
  let phone: Promise<string> | undefined;
  const stage: Stage = {
    ...callers,
    subject,
    houseFile,
    pve1: fakeRelay(relays, 'pve1'),
    pve2: fakeRelay(relays, 'pve2'),
    asOperator: (method, url, body, headers) =>
      callers.asKey(home.operator, callOf(method, url, body, headers)),
    phones,
    nextPhone: () => {
      phone = undefined;
    },
    phone: () => {
      phone ??= callers.makeToken(phoneScope).then(({ token }) => {
        phones.push(token);
        return token;
      });
      return phone;
    },
    untilParked: async (count) => {
      const end = Date.now() + 15_000;
      for (;;) {
        const { text } = await stage.asOperator('GET', '/metrics');
        if (Number(/^writ_polls_parked (\d+)$/m.exec(text)?.[1]) === count) return;
        assert.ok(Date.now() < end, `${count} parked polls: not within 15 s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    asPhone: async (method, url, body, headers) =>
      callers.asToken(await stage.phone(), callOf(method, url, body, headers)),
    order: async (url, headers) => {
      const answer = await stage.asPhone('POST', url, undefined, headers);
      assert.equal(answer.status, 202, answer.text);
      return answer.json() as CommandView;
    },
    command: async (id) => {
      const answer = await stage.asPhone('GET', `/v1/commands/${id}`);
      assert.equal(answer.status, 200, answer.text);
      return answer.json() as CommandView;
    },
    nextJob: async (relay) => {
      const { jobs } = await relay.poll({ wait_ms: 10_000 });
      assert.equal(jobs.length, 1);
      return openJob(jobs[0]!);
    },
    doNext: async (relay, result = {}) => {
      const job = await stage.nextJob(relay);
      await relay.say(job, 'started', { state: 'succeeded', result });
      return job;
    },
    wakeTower: async () => {
      await stage.pve1.poll();
      await stage.pve2.poll();
      await stage.pve2.reportGuests({ devtop: 'stopped', gaming: 'stopped' });
    },
  };
  return stage;
}

export const callOf = (method: string, url: string, body?: unknown, headers?: Headers): HttpsCall => ({
  method,
  url,
  ...(body !== undefined && { body: JSON.stringify(body) }),
  ...(headers && { headers }),
});

/** What relays ask, asked over HTTP with each relay's own proofs. */
export function relayOver({ home, asKey }: Callers): Control['relay'] {
  const post = async <T>(
    relay: RelayCaller,
    url: string,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<{ ok: true; value: T } | { ok: false; reason: Reason; detail: string }> => {
    const key = home.relays[relay.name]!.signing;
    const call = callOf('POST', url, body);
    const answer = await asKey(key, signal === undefined ? call : { ...call, signal });
    const json = answer.json();
    if (answer.status === 200) return { ok: true, value: json as T };
    return { ok: false, reason: json.code as Reason, detail: String(json.detail) };
  };
  return {
    poll: (relay, request, signal) => post<PollAnswer>(relay, '/v1/relay/poll', request, signal),
    receipts: (relay, receipts) => post(relay, '/v1/relay/receipts', { receipts }),
    report: (relay, report) => post(relay, '/v1/relay/reports', { report }),
  } as Control['relay'];
}

/** Asserts a refusal: its status and code, as problem+json, and gives the document. */
export function refusedAs(answer: Answer, status: number, code: string): Record<string, unknown> {
  const problem = answer.json();
  assert.deepEqual([answer.status, problem.code], [status, code], answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  assert.equal(problem.status, status);
  return problem;
}
