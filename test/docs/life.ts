import assert from 'node:assert/strict';
import dns from 'node:dns';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../relay/agent/clock.ts';
import { nodeDisk } from '../../relay/agent/node-disk.ts';
import { openState } from '../../relay/agent/state-files.ts';
import { judgeJob, verifyEnvelope } from '../../relay/agent/verify-job.ts';
import { createLog, type LogEntry } from '../../relay/log.ts';
import { main as writRelay } from '../../relay/main.ts';
import { type RunningRelay, startRelay } from '../../relay/start.ts';
import { formatSetupCode, parseSetupCode } from '../../schema/api/access.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf, toBytes } from '../../schema/jose/digest.ts';
import { signJws } from '../../schema/jose/jws.ts';
import { importSigningKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Intent, Step } from '../../schema/wire/intent.ts';
import type { Job } from '../../schema/wire/job.ts';
import { readHome } from '../../src/cli/home.ts';
import { type Server, serve } from '../../src/main.ts';
import { controllerKeyFile } from '../../src/node/controller-key.ts';
import { type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { sectionOf, shellLines } from '../support/doc-lines.ts';
import { fastTime } from '../support/relay.ts';
import { testNonce } from '../support/relay-home.ts';
import { createWatch } from '../support/watch.ts';

/** Two hosts without Proxmox: one wakes the other. */
const houseYaml = `v: 1
hosts:
  pve1: { title: the small server, proxmox: false }
  pve2:
    title: the tower
    proxmox: false
    sleeps: true
    mac: 02:00:5e:10:00:02
    wake_via: pve1
    wake_address: 127.0.0.1:40009
`;

/** A name that stands for loopback in this process, so that the control plane is no address of the desk itself. */
const apiName = 'writ.test';

export const passphrases = { first: 'correct horse battery staple', second: 'another good pass phrase' };

export type RelayAtHome = RunningRelay & {
  /** Resolves once trust of at least this version is in force there. */
  follows(version: number): Promise<void>;
  until(event: string): Promise<LogEntry>;
};

/** By the question: an answer, or one made from what was shown before. */
export type Answers = readonly (readonly [asked: RegExp, answer: string | ((seen: string) => string)])[];

/** An owner's computer. */
export type Desk = {
  readonly config: string;
  /** Plays a command line of `writ`; questions are answered by the first pattern that fits, or with "y". */
  writ(line: string, answers?: Answers): Promise<Ran>;
  /** The same, where it must go well. */
  does(line: string, answers?: Answers): Promise<Ran>;
  /** The same, until it shows what is expected: relays tell with their next poll what they obey. */
  shows(line: string, expected: RegExp): Promise<void>;
  /** The newest trust known here. */
  trust(): Promise<Trust>;
  /** A copy of its configuration as it is now, as a thief may have it. */
  copy(name: string): Desk;
};

export type Life = {
  readonly folder: string;
  readonly desk: Desk;
  /** The root on paper, as it was printed at init. */
  readonly paper: string;
  anotherDesk(name: string): Desk;
  /** A host's console: `writ-relay` with the state of that host. */
  console(host: string, line: string): Promise<{ exit: number; out: string; err: string }>;
  stateOf(host: string): string;
  /** Enrols a host by a line of `writ relays add`, without approval. */
  enrol(desk: Desk, host: string, line?: string, ending?: string): Promise<void>;
  start(host: string, stateDir?: string): Promise<RelayAtHome>;
  /** Where the control plane is, by an address. */
  readonly origin: string;
  controller(): Promise<SigningKey>;
  operatorOf(desk: Desk): Promise<SigningKey>;
  /** What a stopped relay says to a job that the real controller key signed, of an intent that somebody authorised. */
  judge(host: string, step: Partial<Step>, by: SigningKey): Promise<string>;
  closeApi(): Promise<void>;
  /** Serves the same data at the same address again. */
  openApi(): Promise<void>;
};

/** The lines that a reader types, of a page of docs/. */
export function linesOf(page: string, heading?: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs', page), 'utf8');
  return shellLines(heading === undefined ? text : sectionOf(text, heading));
}

/** The key that a text shows to be written on paper. */
export function paperIn(text: string): string {
  const lines = text.split('\n').filter((line) => /^ {4}([0-9A-Z]{4} {2}){6}[0-9A-Z]{4}$/.test(line));
  assert.equal(lines.length, 2, text);
  return lines.map((line) => line.trim()).join('  ');
}

/** A claimed control plane, its owner with a passphrase and paper, and both relays admitted and running. */
export async function startLife(t: TestContext, house = houseYaml): Promise<Life> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'writ-life-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const lookup = dns.lookup as unknown as (...args: unknown[]) => void;
  t.mock.method(dns, 'lookup', (name: string, ...more: unknown[]) =>
    lookup(name === apiName ? '127.0.0.1' : name, ...more),
  );
  const dataDir = join(folder, 'api');
  const serveAt = async (port: number): Promise<Server> => {
    const served = await serve({ dataDir, listen: [{ host: '127.0.0.1', port }], write: () => {} });
    assert.ok(served.ok, served.ok ? '' : served.detail);
    return served.value;
  };
  const server = await serveAt(0);
  let open: Server | null = server;
  const closeApi = async (): Promise<void> => {
    await open?.close();
    open = null;
  };
  const openApi = async (): Promise<void> => {
    open = await serveAt(Number(new URL(server.origins[0]!).port));
  };
  t.after(closeApi);

  const deskAt = (config: string): Desk => {
    const desk: Desk = {
      config,
      writ(line, answers = []) {
        const [program, ...words] = line.split(' ');
        assert.equal(program, 'writ', line);
        // A relative path is one of the folder, as if the owner stood there.
        const placed = words.map((word) =>
          /^[a-z-]+\.(jws|json|yaml)$/.test(word) ? join(folder, word) : word,
        );
        return runWrit([...placed, '--config', config], {
          answers: (question, seen) => {
            const answer = answers.find(([asked]) => asked.test(question))?.[1] ?? 'y';
            return typeof answer === 'string' ? answer : answer(seen);
          },
        });
      },
      async does(line, answers) {
        const ran = await desk.writ(line, answers);
        assert.equal(ran.exit, 0, `${line}\n${ran.out}\n${ran.err}`);
        return ran;
      },
      async shows(line, expected) {
        const deadline = Date.now() + 30_000;
        for (;;) {
          const { out } = await desk.does(line);
          if (expected.test(out)) return;
          assert.ok(Date.now() < deadline, `${line} does not show ${expected}\n${out}`);
        }
      },
      async trust() {
        const home = await readHome(config);
        assert.ok(home.ok, home.ok ? '' : home.detail);
        return home.value.trust;
      },
      copy(name) {
        cpSync(config, join(folder, name), { recursive: true });
        return deskAt(join(folder, name));
      },
    };
    return desk;
  };
  const desk = deskAt(join(folder, 'desk'));
  writeFileSync(join(folder, 'house.yaml'), house);
  const parsed = parseSetupCode(server.setupCode!);
  assert.ok(parsed.ok);
  const code = formatSetupCode({
    ...parsed.value,
    origin: parsed.value.origin.replace('127.0.0.1', apiName),
  });
  const claimed = await desk.does(`writ init ${code} --house house.yaml`, [[/./, passphrases.first]]);
  const paper = paperIn(claimed.out);

  const stateOf = (host: string): string => join(folder, 'hosts', host);
  const atConsole: Life['console'] = async (host, line) => {
    const [program, ...words] = line.replace(/^sudo /, '').split(' ');
    assert.equal(program, 'writ-relay', line);
    const placed = words.map((word) => (word.endsWith('.jws') ? join(folder, word) : word));
    const out: string[] = [];
    const err: string[] = [];
    const terminal = {
      out: (text: string) => void out.push(text),
      err: (text: string) => void err.push(text),
      readInput: async () => '',
    };
    const exit = await writRelay([...placed, '--state', stateOf(host)], terminal, {
      stop: new AbortController().signal,
      env: {},
    });
    return { exit, out: out.join('\n'), err: err.join('\n') };
  };

  const time = fastTime(20);
  const running = new Set<RunningRelay>();
  t.after(async () => {
    for (const relay of running) await relay.stop();
  });
  const start: Life['start'] = async (host, stateDir = stateOf(host)) => {
    const seen: LogEntry[] = [];
    const watch = createWatch();
    const started = await startRelay({
      stateDir,
      overrides: {
        clock: time.clock,
        proxmox: null,
        pollWaitMs: 500,
        wake: { send: async () => ({ ok: true, value: null }) },
      },
      log(entry) {
        seen.push(entry);
        watch.notify();
      },
    });
    assert.ok(started.ok, started.ok ? '' : `${started.reason} ${started.detail}`);
    const relay = started.value;
    running.add(relay);
    const told = (): string => seen.map((entry) => JSON.stringify(entry)).join('\n');
    return {
      ...relay,
      stop: async () => {
        running.delete(relay);
        await relay.stop();
      },
      follows: async (version) => {
        await watch.until(
          () => `trust version ${version} at ${host}\n${told()}`,
          () => relay.trustVersion() >= version,
        );
      },
      until: (event) =>
        watch.until(
          () => `${event} at ${host}\n${told()}`,
          () => seen.find((entry) => entry.event === event),
        ),
    };
  };
  const enrol: Life['enrol'] = async (by, host, line = `writ relays add ${host}`, ending = '') => {
    const added = await by.does(`${line} --json`);
    const [first] = (JSON.parse(added.out) as { codes: { code: string }[] }).codes;
    const enrolled = await atConsole(host, `writ-relay enroll ${first!.code}${ending}`);
    assert.equal(enrolled.exit, 0, enrolled.err);
  };

  const controller = async (): Promise<SigningKey> => {
    const key = await importSigningKey(JSON.parse(readFileSync(controllerKeyFile(dataDir), 'utf8')));
    assert.ok(key.ok);
    return key.value;
  };
  const judge: Life['judge'] = async (host, step, by) => {
    const clock = systemClock();
    const disk = nodeDisk(stateOf(host));
    const state = await openState({ disk, clock, log: createLog({ now: Date.now, write: () => {} }) });
    assert.ok(state.ok, state.ok ? '' : state.reason);
    const { trust, journal, key, relay, home } = state.value;
    const now = Date.now();
    const intent: Intent = {
      home,
      steps: [{ relay, action: 'host.wake', target: 'pve2', params: {}, after: [], ...step }],
      nonce: testNonce(),
      issued_at: now,
      expires: now + 60_000,
    };
    const bytes = toBytes(JSON.stringify(intent));
    const digest = await digestOf('intent', bytes);
    const job: Job = {
      home,
      relay,
      session: testNonce(),
      seq: 1,
      exp: now + 60_000,
      intent: encodeBase64url(bytes),
      authorisation: await signJws('intent', { home, kind: 'intent', digest }, by),
      step: 0,
      receipts: [],
    };
    const context = {
      trust: trust.current(),
      relay,
      kid: key.kid,
      session: job.session,
      journal: journal.state,
      livedMs: 0,
      github: null,
      now,
    };
    const envelope = await verifyEnvelope(context, await signJws('job', job, await controller()), 0);
    const verdict = envelope.ok
      ? await judgeJob(context, envelope.value)
      : { kind: 'dropped', reason: envelope.reason };
    await journal.close();
    await disk.close();
    return 'reason' in verdict ? `${verdict.kind}: ${verdict.reason}` : verdict.kind;
  };

  for (const host of ['pve1', 'pve2']) await enrol(desk, host);
  await desk.does('writ relays approve', [[/Passphrase/, passphrases.first]]);
  return {
    folder,
    desk,
    paper,
    anotherDesk: (name) => deskAt(join(folder, name)),
    console: atConsole,
    stateOf,
    enrol,
    start,
    origin: server.origins[0]!,
    controller,
    operatorOf: async ({ config }) => {
      const home = await readHome(config);
      assert.ok(home.ok);
      return home.value.operator;
    },
    judge,
    closeApi,
    openApi,
  };
}
