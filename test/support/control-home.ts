import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { migrations } from '../../schema/db/migrations.ts';
import { decodeBase64url, encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import type { SigningKey } from '../../schema/jose/keys.ts';
import type { HouseFile } from '../../schema/manifest/house.ts';
import { ok, refuse } from '../../schema/result.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import { enrolmentMac } from '../../schema/wire/enrolment.ts';
import { type Intent, parseIntent } from '../../schema/wire/intent.ts';
import type { Job } from '../../schema/wire/job.ts';
import type { Receipt, ReceiptState } from '../../schema/wire/receipt.ts';
import type { PollAnswer, PollRequest } from '../../schema/wire/relay-api.ts';
import { parseReleaseOrder, stepsOfOrder } from '../../schema/wire/release-order.ts';
import type { GuestReport, Progress, Report } from '../../schema/wire/report.ts';
import { githubKeys } from '../../src/auth/github-keys.ts';
import type { Control, Proved } from '../../src/control/control.ts';
import { createControl } from '../../src/control/create-control.ts';
import type { Store } from '../../src/domain/ports.ts';
import type { Grant, Principal } from '../../src/domain/principal.ts';
import { memoryDoorbell } from '../../src/store/doorbell.ts';
import { type EmbeddedDatabase, openEmbedded } from '../../src/store/embedded-node.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createStore } from '../../src/store/store.ts';
import { makeTestHome, type TestHome, testHouse, testNonce } from './relay-home.ts';
import { makeTemporaryFolder } from './store.ts';

export const testHouseFile: HouseFile = {
  v: 1,
  hosts: {
    pve1: { title: 'pve1', proxmox: false, sleeps: false },
    pve2: {
      title: 'the tower',
      proxmox: true,
      mac: '02:00:00:00:00:02',
      wake_via: 'pve1',
      wake_address: '127.0.0.1:40009',
      sleeps: true,
    },
  },
  guests: Object.fromEntries(
    Object.entries(testHouse.guests).map(([name, guest]) => [
      name,
      { ...guest, ad_hoc: guest.exclusive.length > 0 },
    ]),
  ),
  runbooks: {
    'start-gaming': {
      title: 'Start gaming',
      steps: [
        { action: 'guest.shutdown', target: 'devtop', params: {}, even_if_failed: false },
        { action: 'guest.start', target: 'gaming', params: {}, even_if_failed: false },
      ],
    },
    'just-gaming': {
      title: 'Just gaming',
      steps: [{ action: 'guest.start', target: 'gaming', params: {}, even_if_failed: false }],
    },
  },
  limits: { power: '6/1h', guests: '20/1h' },
};

/** Time that only the test moves. */
export type TestClock = { now(): number; advance(ms: number): void };

export const testClock = (start = 1_800_000_000_000): TestClock => {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
};

export type ControlHome = {
  readonly home: TestHome;
  readonly clock: TestClock;
  readonly path: string;
  readonly setupSecret: string;
  control: Control;
  store: Store;
  db: EmbeddedDatabase;
  /** Closes the database and opens it again with a new control: as after a crash between two commits. */
  restart(): Promise<void>;
  relay(name: string): FakeRelay;
  readonly operator: (permission: string) => Grant;
  readonly token: (permission: string, scope?: readonly string[]) => Grant;
};

export const grantOf = (principal: Principal, permission: string): Grant =>
  ({ principal, permission }) as Grant;

/** A claimed control plane on a real libSQL file, with the two hosts of the test house. */
export async function makeControlHome(
  t: TestContext,
  options: {
    readonly controllerMay?: readonly TrustGrant[];
    readonly relays?: readonly string[];
    readonly expires?: string;
    readonly claim?: boolean;
    readonly wrap?: (store: Store) => Store;
  } = {},
): Promise<ControlHome> {
  const folder = await makeTemporaryFolder(t);
  const path = join(folder, 'writ.db');
  const clock = testClock();
  const home = await makeTestHome({
    origins: [{ url: 'https://127.0.0.1:1' }],
    ...(options.controllerMay !== undefined && { controllerMay: options.controllerMay }),
    ...(options.relays !== undefined && { relays: options.relays }),
    ...(options.expires !== undefined && { expires: options.expires }),
  });
  const secret = encodeBase64url(randomBytes(32));

  const open = async () => {
    const db = await openEmbedded({ path });
    await migrate(db, migrations);
    const store = (options.wrap ?? ((one) => one))(createStore(db));
    const control = createControl({
      store,
      doorbell: memoryDoorbell(),
      clock,
      random: (bytes) => new Uint8Array(randomBytes(bytes)),
      key: home.controller,
      setupSecret: secret,
      log: () => {},
      github: githubKeys({ uptimeMs: () => clock.now(), warn: () => {} }),
    });
    return { db, store, control };
  };
  const made: ControlHome = {
    home,
    clock,
    path,
    setupSecret: secret,
    ...(await open()),
    restart: async () => {
      await made.db.close();
      Object.assign(made, await open());
    },
    relay: (name) => fakeRelay(made, name),
    operator: (permission) => grantOf({ kind: 'operator', kid: home.operator.kid }, permission),
    token: (permission, scope = [permission]) =>
      grantOf({ kind: 'token', id: 'tok_01ARZ3NDEKTSV4RRFFQ69G5FAV', name: 'phone', scope }, permission),
  };
  t.after(() => made.db.close());
  if (options.claim !== false) {
    const claimed = await made.control.setup.claim(await claimRequest(home, secret), async (operator) =>
      provedIf(operator.kid === home.operator.kid),
    );
    if (!claimed.ok) throw new Error(`the test's home was not claimed: ${claimed.reason}`);
  }
  return made;
}

/** What a request's proof comes to, for uses that are asked without HTTP. */
export const provedIf = (is: boolean): Proved => (is ? ok(true) : refuse('proof_invalid'));

export const claimRequest = async (home: TestHome, secret: string) => ({
  trust: home.versions[0]!,
  house: testHouseFile,
  mac: await enrolmentMac(secret, toBytes(home.trust().digest)),
});

export type ReceiptDraft = Partial<Omit<Receipt, 'state' | 'intent' | 'step'>> & {
  readonly state: ReceiptState;
};

/** A relay as the control plane sees one, played by the test. */
export type FakeRelay = {
  readonly caller: { readonly name: string; readonly kid: string };
  readonly key: SigningKey;
  session: string;
  poll(change?: Partial<PollRequest>, signal?: AbortSignal): Promise<PollAnswer>;
  tryPoll(change?: Partial<PollRequest>, signal?: AbortSignal): ReturnType<Control['relay']['poll']>;
  /** Signs the next receipt of its chain. */
  sign(job: OpenJob, draft: ReceiptDraft): Promise<string>;
  post(receipts: readonly string[]): ReturnType<Control['relay']['receipts']>;
  /** Signs and posts receipts on a job; the last answer's `receipts_seq`. */
  say(job: OpenJob, ...drafts: readonly (ReceiptDraft | ReceiptState)[]): Promise<number>;
  report(change?: Partial<Report>): Promise<void>;
  reportGuests(states: Readonly<Record<string, GuestReport['state']>>, progress?: Progress[]): Promise<void>;
  head(): { readonly seq: number; readonly hash: string };
};

/** Of a job of a release, `intent` holds its parts as the steps that they are. */
export type OpenJob = {
  readonly job: Job;
  readonly intent: Pick<Intent, 'home' | 'steps'>;
  readonly digest: string;
};

/** What a job's envelope holds, unverified: for the test's own relay. */
export async function openJob(jws: string): Promise<OpenJob> {
  const job = JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString()) as Job;
  const bytes = decodeBase64url(job.intent);
  if (!bytes.ok) throw new Error('the job has no intent');
  if (job.kind === 'release') {
    const order = parseReleaseOrder(bytes.value);
    if (!order.ok) throw new Error('the order of the job is malformed');
    const intent = { home: order.value.home, steps: stepsOfOrder(order.value) };
    return { job, intent, digest: await digestOf('release', bytes.value) };
  }
  const intent = parseIntent(bytes.value);
  if (!intent.ok) throw new Error('the intent of the job is malformed');
  return { job, intent: intent.value, digest: await digestOf('intent', bytes.value) };
}

/** What a fake relay speaks to: control itself, or an API that is asked in its place. */
export type RelayStage = {
  readonly home: TestHome;
  readonly clock: { now(): number };
  readonly control: Pick<Control, 'relay'>;
};

export function fakeRelay(made: RelayStage, name: string): FakeRelay {
  const key = made.home.relays[name]!.signing;
  const caller = { name, kid: key.kid };
  let poll = 0;
  let seen = 0;
  let seq = 0;
  let hash = '';
  let reportSeq = 0;
  const firstHash = digestOf('receipt', '');
  const request = async (change: Partial<PollRequest>): Promise<PollRequest> => {
    poll += 1;
    return {
      protocol: 1,
      session: relay.session,
      poll,
      seen,
      trust_version: made.home.trust().document.version,
      receipts: { seq, hash: seq === 0 ? await firstHash : hash },
      wait_ms: 0,
      ...change,
    };
  };
  const relay: FakeRelay = {
    caller,
    key,
    session: testNonce(),
    tryPoll: async (change = {}, signal = new AbortController().signal) => {
      const answer = await made.control.relay.poll(caller, await request(change), signal);
      if (answer.ok) {
        for (const jws of answer.value.jobs) seen = Math.max(seen, (await openJob(jws)).job.seq);
      }
      return answer;
    },
    poll: async (change, signal) => {
      const answer = await relay.tryPoll(change, signal);
      if (!answer.ok) throw new Error(`the poll was refused: ${answer.reason}`);
      return answer.value;
    },
    sign: async ({ job, intent, digest }, draft) => {
      const step = intent.steps[job.step]!;
      seq += 1;
      const receipt: Receipt = {
        home: intent.home,
        relay: name,
        seq,
        previous: seq === 1 ? await firstHash : hash,
        intent: digest,
        step: job.step,
        action: step.action,
        target: step.target,
        code: null,
        result: null,
        time: made.clock.now(),
        boot: 'boot-1',
        ...draft,
      };
      const jws = await signJws('receipt', receipt, key);
      hash = await digestOf('receipt', jws);
      return jws;
    },
    post: (receipts) => made.control.relay.receipts(caller, receipts),
    say: async (job, ...drafts) => {
      const receipts: string[] = [];
      for (const draft of drafts) {
        receipts.push(await relay.sign(job, typeof draft === 'string' ? { state: draft } : draft));
      }
      const answer = await relay.post(receipts);
      if (!answer.ok) throw new Error(`the receipts were refused: ${answer.reason}`);
      return answer.value.receipts_seq;
    },
    report: async (change = {}) => {
      reportSeq += 1;
      const report: Report = {
        home: made.home.id,
        relay: name,
        seq: reportSeq,
        time: made.clock.now(),
        boot: 'boot-1',
        uptime_ms: 1000,
        version: '0.1.0',
        protocol: 1,
        trust_version: 1,
        clock_synchronised: true,
        proxmox: name === 'pve2' ? 'ok' : 'none',
        guests: {},
        progress: [],
        refused: { count: 0, code: null },
        ...change,
      };
      const answer = await made.control.relay.report(caller, await signJws('report', report, key));
      if (!answer.ok) throw new Error(`the report was refused: ${answer.reason}`);
    },
    reportGuests: (states, progress = []) =>
      relay.report({
        progress,
        guests: Object.fromEntries(
          Object.entries(states).map(([guest, state]) => [
            guest,
            { state, lock: null, agent: 'none', in_use: null },
          ]),
        ),
      }),
    head: () => ({ seq, hash }),
  };
  return relay;
}

/** The only job of an answer, opened. */
export async function onlyJob(answer: PollAnswer): Promise<OpenJob> {
  if (answer.jobs.length !== 1) throw new Error(`${answer.jobs.length} jobs instead of one`);
  return openJob(answer.jobs[0]!);
}
