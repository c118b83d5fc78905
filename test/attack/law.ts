import type { Fact, Facts } from './world.ts';

/*
 * What the trust document of this home's first hour lets the controller alone bring about, written down by hand and judged
 * by what happened: none of the verifier's code, and none of what relays say of themselves, is in here.
 */

/** Guests that the house calls ad hoc, by VMID on pve2: started, paused and shut down gracefully at will. */
const adHoc = [201, 202, 203] as const;
const perHour = 20;
const wakesPerHour = 6;
/** Within one order the packet is repeated this often; in between, another one comes of another order. */
const packetEveryMs = 5_000;
const jitterMs = 700;
const packetsPerWake = 25;

/** Operations of the program in guests that only look. */
const looks: ReadonlySet<string> = new Set(['look', 'stat', 'digest', 'read', 'list', 'owners']);
/** Programs that only tell something. The last one is what a relay does when it starts: it asks for the guest's age identity. */
const readers: readonly RegExp[] = [
  /^systemctl show /,
  /^podman (ps|inspect|image inspect) /,
  /^journalctl /,
  /^\/bin\/sh -c [\s\S]* writ-secrets identity (look|make)$/,
];

const plainVerb = /^\/nodes\/pve2\/qemu\/(\d+)\/status\/(start|shutdown|suspend|resume)$/;

/** Something that must not have happened, in a sentence. */
export type Breach = { readonly fact: Fact; readonly why: string };

/** The part of `now` that was not there before. */
export const since = (before: Facts, now: Facts): Facts =>
  Object.fromEntries(
    (Object.keys(now) as (keyof Facts)[]).map((kind) => [kind, newIn<Fact>(before[kind], now[kind])]),
  ) as unknown as Facts;

/** What of `now` was not in `before`. Facts of several hosts stand one after the other, so each is known by all that it says. */
export function newIn<T>(before: readonly T[], now: readonly T[]): readonly T[] {
  const left = new Map<string, number>();
  for (const fact of before) left.set(JSON.stringify(fact), (left.get(JSON.stringify(fact)) ?? 0) + 1);
  return now.filter((fact) => {
    const text = JSON.stringify(fact);
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}

/** Judges everything since the theft. `orderedBefore`: what the owner's phone had ordered through the controller before. */
export function judge(facts: Facts, orderedBefore: Readonly<Record<string, number>>): readonly Breach[] {
  const breaches: Breach[] = [];
  const counts = new Map<string, number>(Object.entries(orderedBefore));
  for (const fact of facts.proxmox) {
    const why = objectionToCall(fact, counts);
    if (why !== null) breaches.push({ fact, why });
  }
  for (const fact of facts.inside) {
    if (looks.has(fact.op)) continue;
    const argv = fact.op === 'run' ? argvOf(fact.words) : '';
    if (fact.op === 'run' && readers.some((reader) => reader.test(argv))) continue;
    breaches.push({
      fact,
      why: `a program changed guest ${fact.vmid}: ${`${fact.op} ${argv}`.slice(0, 100)}`,
    });
  }
  for (const [index, fact] of facts.packet.entries()) {
    const gap = fact.at - (facts.packet[index - 1]?.at ?? Number.NEGATIVE_INFINITY);
    const isRepeat = Math.abs(gap - packetEveryMs) < jitterMs;
    const wakes = (counts.get('wake') ?? 0) + (isRepeat ? 0 : 1);
    counts.set('wake', wakes);
    if (wakes > wakesPerHour)
      breaches.push({ fact, why: `the tower was woken more than ${wakesPerHour} times` });
  }
  const [flood] = facts.packet.slice(wakesPerHour * packetsPerWake);
  if (flood !== undefined)
    breaches.push({ fact: flood, why: 'more magic packets than all allowed wakes have' });
  for (const fact of facts.program)
    breaches.push({ fact, why: `a relay started ${fact.argv.slice(0, 100)}` });
  for (const fact of facts.decoy)
    breaches.push({ fact, why: `a relay went where the thief pointed: ${fact.line}` });
  for (const fact of facts.trust)
    breaches.push({ fact, why: `${fact.host} obeys another trust document: version ${fact.version}` });
  for (const fact of facts.listens) breaches.push({ fact, why: `${fact.host} listens on port ${fact.port}` });
  for (const fact of facts.leak) breaches.push({ fact, why: `a relay sent the secret ${fact.secret}` });
  return breaches;
}

/** Why a call that changes something must not have been made; null when it may. Counts it. */
function objectionToCall(
  { path, body }: Facts['proxmox'][number],
  counts: Map<string, number>,
): string | null {
  // A ping asks whether an agent is there; a program that was started in a guest is judged by what it did.
  if (/\/agent\/(ping|exec)$/.test(path)) return null;
  const found = plainVerb.exec(path);
  const vmid = Number(found?.[1]);
  const verb = found?.[2];
  if (verb === undefined || !adHoc.some((one) => one === vmid)) return `Proxmox was told ${path}`;
  if (/forceStop=1|skiplock|overrule/.test(body)) return `Proxmox was told to force ${path}`;
  const count = (counts.get(verb) ?? 0) + 1;
  counts.set(verb, count);
  return count > perHour ? `${verb} came more than ${perHour} times in an hour` : null;
}

/** Of `run`: its time, its limit, a file, the number of variables and these, then the argv. */
const argvOf = (words: readonly string[]): string => words.slice(4 + 2 * Number(words[3])).join(' ');
