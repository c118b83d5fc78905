import { generateKey, type SigningKey } from '../../../schema/jose/keys.ts';
import type { Scene } from '../home/bring-up.ts';
import { createForge, type Forge, type JobDraft } from './forge.ts';
import { type Lie, type Line, openLine, type Poll, says } from './line.ts';
import { type Loot, type Paper, takeVm } from './loot.ts';

export type HomeRelay = 'pve1' | 'pve2';
export const homeRelays: readonly HomeRelay[] = ['pve1', 'pve2'];

/** A receipt that a relay sent to the thief. */
export type Told = {
  readonly relay: string;
  readonly jws: string;
  readonly seq: number;
  readonly intent: string;
  readonly step: number;
  readonly state: string;
  readonly code: string | null;
};

/** What a poll is answered with; what is not given is as an honest control plane has it. */
export type PollParts = {
  readonly jobs?: readonly string[];
  readonly evidence?: readonly string[];
  readonly attest?: readonly string[];
  readonly trust_version?: number;
  readonly report_wanted?: boolean;
  readonly receipts_seq?: number;
  readonly last_receipt?: string | null;
  /** Members of the heartbeat that are other than an honest one's. */
  readonly beat?: Readonly<Record<string, unknown>>;
  /** In place of the whole heartbeat. */
  readonly heartbeat?: string;
};

/** The thief: everything that was on the VM, its place in the network, and what can be made of them. */
export type Thief = {
  readonly loot: Loot;
  readonly forge: Forge;
  readonly line: Line;
  /** A key of the thief's own, which nobody trusts. */
  readonly own: SigningKey;
  readonly scene: Scene;
  /** From 0 to 1, the same series for the same seed. */
  random(): number;
  /** What relays told, in order. */
  readonly told: readonly Told[];
  /** The latest report of a relay, as it signed it. */
  reportOf(relay: string): string | undefined;
  /** A job for a relay's present run, with the next number. */
  mint(relay: HomeRelay, paper: Paper, draft?: JobDraft): Promise<string>;
  /** Answers the relay's poll, and resolves with its next one: it has looked at what it was given by then. */
  answer(relay: HomeRelay, parts: PollParts): Promise<Poll>;
  /** Answers the relay's poll with anything at all, and resolves with its next one. */
  lie(relay: HomeRelay, lie: Lie): Promise<Poll>;
  /** Mints a job of a step and brings it. Resolves as `answer` does. */
  order(relay: HomeRelay, paper: Paper, draft?: JobDraft): Promise<Poll>;
  /** The last word on a step; null when none comes in time. */
  end(paper: Pick<Paper, 'digest'>, step?: number, withinMs?: number): Promise<Told | null>;
  /** Cuts a relay's process off in the middle of whatever it does, and starts it again. Resolves with its first poll. */
  restart(relay: HomeRelay): Promise<Poll>;
  /** Starts a relay anew, which then asks for newer trust at once, and gives it these versions. */
  offerTrust(relay: HomeRelay, versions: readonly unknown[]): Promise<Poll>;
  /**
   * A step of the owner's maintenance that nobody has tried yet: signed by the operator, on pve1, and never to be done,
   * because the one before it did not succeed.
   */
  forbidden(): Forbidden;
  close(): void;
};

/** An operator's step that must not be done, and the one that it comes after. */
export type Forbidden = {
  readonly paper: Paper;
  readonly step: number;
  readonly before: {
    readonly index: number;
    readonly relay: string;
    readonly action: string;
    readonly target: string;
  };
};

const isFinal = (state: string): boolean => state !== 'started';

/** mulberry32: one seed, one series. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Stops the control plane and the relay beside it, takes what they had, and listens in their place. */
export async function takeOver(scene: Scene, seed: number): Promise<Thief> {
  const { home } = scene;
  await home.kill('api');
  await home.kill('relay-cloud');
  const loot = await takeVm(home);
  const forge = createForge(loot);
  const told: Told[] = [];
  const reports = new Map(loot.reports);
  const waiting = new Set<() => void>();
  const numbers = new Map<string, number>();
  const held = new Map<string, number>();
  for (const { relay, seq } of loot.receipts) held.set(relay, Math.max(held.get(relay) ?? 0, seq));

  const pollAnswer =
    (poll: Poll, heartbeat: string, parts: PollParts): Lie =>
    (request, response, body) => {
      const { beat: _, heartbeat: __, ...rest } = parts;
      says({
        heartbeat,
        jobs: [],
        evidence: [],
        trust_version: loot.trust.version,
        report_wanted: false,
        receipts_seq: held.get(poll.relay) ?? 0,
        last_receipt: null,
        ...rest,
      })(request, response, body);
    };
  const beatOf = (poll: Poll, beat: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    forge.seal('heartbeat', {
      ...{ home: loot.home, relay: poll.relay, session: poll.session, poll: poll.poll, time: Date.now() },
      trust_version: loot.trust.version,
      audit: { seq: loot.auditSeq + 1_000, hash: `sha256:${'a'.repeat(64)}` },
      ...beat,
    });

  const line = await openLine(loot, Number(new URL(home.origin).port), {
    idle: (poll) => async (request, response, body) =>
      pollAnswer(poll, await beatOf(poll), {})(request, response, body),
    others: {
      'GET /healthz': (_, response) => response.end('ok\n'),
      'GET /v1/trust': says({ versions: [] }),
      'POST /v1/relay/times': says({}),
      'POST /v1/relay/reports': (request, response, body) => {
        const { report } = JSON.parse(body) as { report: string };
        const { relay } = payloadOf(report) as { relay: string };
        reports.set(relay, report);
        says({})(request, response, body);
      },
      'POST /v1/relay/receipts': (request, response, body) => {
        const { receipts } = JSON.parse(body) as { receipts: string[] };
        let last = 0;
        for (const jws of receipts) {
          const receipt = payloadOf(jws) as Omit<Told, 'jws'>;
          told.push({ ...receipt, jws });
          last = Math.max(held.get(receipt.relay) ?? 0, receipt.seq);
          held.set(receipt.relay, last);
        }
        says({ receipts_seq: last })(request, response, body);
        for (const look of [...waiting]) look();
      },
      'GET /v1/relay/blobs/{sha256}': (request, response, body) => {
        const bytes = loot.blobs.get(request.url!.split('/').at(-1)!);
        if (bytes === undefined) return says({}, 404)(request, response, body);
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.end(bytes);
      },
    },
  });

  const next = async (relay: HomeRelay): Promise<Poll> => {
    const poll = await line.poll(relay);
    if (poll === null) throw new Error(`${relay} polls no more; see its log in ${home.directory}/log`);
    return poll;
  };
  const maintenance = loot.intents.find((paper) => stepsOf(paper).length > 40);
  // The first few are for those who try every step of everything.
  let tried = 5;
  const thief: Thief = {
    loot,
    forge,
    line,
    own: (await generateKey()).signing,
    scene,
    random: seeded(seed),
    told,
    reportOf: (relay) => reports.get(relay),
    async mint(relay, paper, draft) {
      const { session, seen } = await next(relay);
      const seq = Math.max(seen, numbers.get(session) ?? 0) + 1;
      numbers.set(session, seq);
      return forge.envelope(relay, { session, seq }, paper, draft);
    },
    async answer(relay, parts) {
      const poll = await next(relay);
      poll.answer(pollAnswer(poll, parts.heartbeat ?? (await beatOf(poll, parts.beat)), parts));
      return next(relay);
    },
    async lie(relay, lie) {
      const poll = await next(relay);
      poll.answer(lie);
      await next(relay);
      // What was heard of an honest kind ends the pauses that grow with each failure.
      return thief.answer(relay, {});
    },
    async order(relay, paper, draft) {
      const job = await thief.mint(relay, paper, draft);
      return thief.answer(relay, { jobs: [job] });
    },
    end: (paper, step = 0, withinMs = 15_000) =>
      new Promise((resolve) => {
        const end = (found: Told | null): void => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const look = (): void => {
          const found = told.find(
            (one) => one.intent === paper.digest && one.step === step && isFinal(one.state),
          );
          if (found !== undefined) end(found);
        };
        const timer = setTimeout(() => end(null), withinMs);
        waiting.add(look);
        look();
      }),
    async restart(relay) {
      const before = (await next(relay)).session;
      await home.kill(`relay-${relay}`);
      await home.start(`relay-${relay}`);
      for (;;) {
        const poll = await next(relay);
        if (poll.session !== before) return poll;
        await new Promise(setImmediate);
      }
    },
    async offerTrust(relay, versions) {
      line.lie('GET /v1/trust', says({ versions }));
      const poll = await thief.restart(relay);
      line.lie('GET /v1/trust', null);
      return poll;
    },
    forbidden() {
      tried += 1;
      const before = maintenance === undefined ? undefined : stepsOf(maintenance)[tried - 1];
      if (maintenance === undefined || before === undefined) throw new Error('no such step is left');
      return { paper: maintenance, step: tried, before: { index: tried - 1, ...before } };
    },
    close: () => line.close(),
  };
  return thief;
}

type PlainStep = { readonly relay: string; readonly action: string; readonly target: string };
const stepsOf = ({ text }: Paper): readonly PlainStep[] =>
  (JSON.parse(Buffer.from(text, 'base64url').toString()) as { steps: PlainStep[] }).steps;

const payloadOf = (jws: string): unknown =>
  JSON.parse(Buffer.from(jws.split('.')[1]!, 'base64url').toString());
