import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attack } from './attack.ts';
import type { Scene } from './home/bring-up.ts';
import { type Breach, judge, newIn, since } from './law.ts';
import { homeRelays, type Thief } from './thief/thief.ts';
import type { Facts, World } from './world.ts';

/** What came of one attack. */
export type Outcome = {
  readonly name: string;
  readonly threat: number;
  readonly about: string;
  readonly must: Attack['must'] | null;
  /** `won`: something happened that must not. `failed`: what `must` says did not come, or the attack threw. */
  readonly result: 'won' | 'executed' | 'refused' | 'nothing' | 'failed';
  /** Codes with which relays refused, as their logs have them, each once. */
  readonly codes: readonly string[];
  /** What happened that must not, or why it failed. */
  readonly why: readonly string[];
  readonly ms: number;
};

/** Whether it is as it has to be. */
export const isGood = ({ must, result }: Outcome): boolean =>
  must === 'win' ? result === 'won' : must === 'execute' ? result === 'executed' : !/won|failed/.test(result);

/** 1: something was won that must not be. 3: an attack could not be made, or a control did not come out as it must. */
export const exitCodeOf = (outcomes: readonly Outcome[]): 0 | 1 | 3 =>
  outcomes.some(({ must, result }) => must !== 'win' && result === 'won')
    ? 1
    : outcomes.every(isGood)
      ? 0
      : 3;

/** Orders of the owner's phone that the control plane signed before it was taken: they count as the controller's. */
const orderedBefore = { start: 1, shutdown: 1 } as const;

const settleMs = 15_000;
/** A relay looks at a guest for some seconds before it says that a step has begun. */
const quietMs = 10_000;

const lateAttack = {
  name: 'late',
  threat: 1,
  about: 'What an attack had begun, and what came of it only after it was judged.',
  must: null,
} as const;

/** Runs attacks one after the other in one home, and judges after each what has happened there since the theft. */
export async function runAttacks(
  parts: { readonly scene: Scene; readonly thief: Thief; readonly world: World },
  attacks: readonly Attack[],
  tell: (outcome: Outcome) => void,
  waitMs = quietMs,
): Promise<readonly Outcome[]> {
  const { scene, thief, world } = parts;
  const atTheft = world.facts();
  const outcomes: Outcome[] = [];
  let judged: readonly Breach[] = [];
  let isQuiet = false;
  for (const attack of attacks) {
    const begun = Date.now();
    if (attack.must === 'win' && !isQuiet) {
      // What is won on purpose from here on must not hide what an attack before had begun.
      isQuiet = true;
      await pause(waitMs);
      await settle(thief);
      const breaches = judge(since(atTheft, world.facts()), orderedBefore);
      const why = newIn(judged, breaches).map((breach) => breach.why);
      judged = breaches;
      if (why.length > 0) {
        const late = { ...lateAttack, result: 'won' as const, codes: [], why, ms: Date.now() - begun };
        outcomes.push(late);
        tell(late);
      }
    }
    const logs = logsOf(scene);
    const heard = { told: thief.told.length, refused: refusedBy(thief) };
    const before = world.facts();
    const why: string[] = [];
    const wins: string[] = [];
    try {
      const won = await attack.run(thief);
      if (won !== undefined) wins.push(won);
    } catch (error) {
      why.push(error instanceof Error ? error.message : String(error));
    }
    await settle(thief);
    const facts = world.facts();
    const codes = await codesSince(parts, logs, heard);
    const breaches = judge(since(atTheft, facts), orderedBefore);
    const fresh = [...wins, ...newIn(judged, breaches).map((breach) => breach.why)];
    judged = breaches;
    const executed = changedSomething(since(before, facts));
    if (attack.must === 'refuse' && executed) fresh.push('something was done by an order that does not hold');
    const result = resultOf(attack, fresh, why, executed, codes);
    const { name, threat, about, must = null } = attack;
    const told = [...why, ...fresh];
    const outcome = { name, threat, about, must, result, codes, why: told, ms: Date.now() - begun };
    outcomes.push(outcome);
    tell(outcome);
  }
  return outcomes;
}

function resultOf(
  attack: Attack,
  wins: readonly string[],
  faults: readonly string[],
  executed: boolean,
  codes: readonly string[],
): Outcome['result'] {
  if (wins.length > 0) return 'won';
  if (faults.length > 0 || attack.must === 'win') return 'failed';
  if (executed) return 'executed';
  if (attack.must === 'execute') return 'failed';
  return codes.length > 0 ? 'refused' : 'nothing';
}

/** Whether anything at all was done at home, allowed or not. */
const changedSomething = (facts: Facts): boolean =>
  facts.packet.length > 0 || facts.proxmox.some(({ path }) => !/\/agent\/(ping|exec)$/.test(path));

/** Until each relay asks for more and has ended what it began. */
async function settle(thief: Thief): Promise<void> {
  for (const relay of homeRelays) {
    await thief.answer(relay, {});
    const open = thief.told.filter(
      (one) =>
        one.relay === relay &&
        one.state === 'started' &&
        !thief.told.some(
          (end) => end.intent === one.intent && end.step === one.step && end.state !== 'started',
        ),
    );
    for (const { intent, step } of open) await thief.end({ digest: intent }, step, settleMs);
  }
}

const logOf = (scene: Scene, relay: string): string => {
  try {
    return readFileSync(join(scene.home.directory, 'log', `relay-${relay}.log`), 'utf8');
  } catch {
    return '';
  }
};

type Logs = ReadonlyMap<string, number>;
const logsOf = (scene: Scene): Logs =>
  new Map(homeRelays.map((relay) => [relay, logOf(scene, relay).length]));

const refusal =
  /^(?:warn |error )?(job_dropped|step_refused|heartbeat_refused|poll_failed|trust_fetch_failed|evidence_refused|alarm|step_ended|github_keys_unreachable|time_not_attested)\b.*?\b(?:code|reason)=(\S+)/;

type Refused = { readonly count: number; readonly code: string | null };
/** How many jobs a relay has left alone in this run, and why the last one, by its latest report. */
const refusedBy = (thief: Thief): ReadonlyMap<string, Refused> =>
  new Map(
    homeRelays.flatMap((relay) => {
      const report = thief.reportOf(relay);
      if (report === undefined) return [];
      const { refused } = JSON.parse(Buffer.from(report.split('.')[1]!, 'base64url').toString()) as {
        refused: Refused;
      };
      return [[relay, refused] as const];
    }),
  );

/** Why relays refused, by their logs, receipts and reports: for people who read on, never for the verdict. */
async function codesSince(
  { scene, thief }: { readonly scene: Scene; readonly thief: Thief },
  logs: Logs,
  before: { readonly told: number; readonly refused: ReadonlyMap<string, Refused> },
): Promise<readonly string[]> {
  // What a relay prints comes by way of a pipe, a moment after it has polled again.
  await pause(50);
  const codes = new Set<string>();
  for (const relay of homeRelays) {
    for (const line of logOf(scene, relay).slice(logs.get(relay)).split('\n')) {
      const [, event, code] = refusal.exec(line) ?? [];
      // A line that sums up what repeated is of a while ago.
      if (event === undefined || code === undefined || code === 'null' || line.includes(' repeated='))
        continue;
      codes.add(event === 'job_dropped' || event === 'step_refused' ? code : `${event}:${code}`);
    }
  }
  for (const { state, code } of thief.told.slice(before.told))
    if (state === 'refused' && code !== null) codes.add(code);
  if (codes.size > 0) return [...codes];
  // Of what repeats, its log soon tells only how often: its next report has the last of them.
  for (const relay of homeRelays) await thief.answer(relay, { report_wanted: true });
  for (let look = 0; look < 20 && codes.size === 0; look += 1) {
    await pause(50);
    for (const [relay, { count, code }] of refusedBy(thief))
      if (count > (before.refused.get(relay)?.count ?? 0) && code !== null) codes.add(code);
  }
  return [...codes];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
