import assert from 'node:assert/strict';
import type { Activation } from '../../../relay/deploy/activate.ts';
import { type Phase, phases } from '../../../relay/deploy/phases.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { canonicalJson } from '../../../schema/wire/canonical.ts';
import type { Release } from '../../../schema/wire/release.ts';
import { seeded } from '../../demo/kill-scene.ts';
import type { LabFault } from './engine-request.ts';
import { differing, filesOf, filesWanted, runsOf } from './target-facts.ts';
import type { TargetGuest } from './target-guest.ts';

/** What a run of faults goes between: two generations that work, and one that does not and so goes back. */
export type FaultHome = {
  readonly releases: readonly [Release, Release];
  readonly bad: Release;
  /** Services that no change touches. */
  readonly untouched: readonly string[];
  /** Services that run in each of the generations. */
  readonly running: readonly [readonly string[], readonly string[]];
  /** Folders that a fault fills up; the last holds files of the apps. */
  readonly disks: readonly string[];
};

type Hit = {
  readonly phase: Phase;
  readonly kind: LabFault['kind'];
  /** What was told; nothing by a program that was killed. */
  readonly told: string;
};

const kinds = ['kill', 'hang', 'cut', 'api', 'fill'] as const;
/** What a fault may be told as, where the activation would have gone well. */
const causes: Readonly<Record<LabFault['kind'], readonly string[]>> = {
  kill: [],
  hang: [],
  cut: ['unreachable'],
  api: ['blob_missing', 'cut_off'],
  fill: ['no_space'],
};
/** Nothing but looks is left to go wrong, and no disk is written to. */
const withoutDisk: ReadonlySet<Phase> = new Set(['look', 'health']);

/**
 * Lets things go wrong in each phase of activations, so often as asked for in each, at steps that the seed chooses; and
 * looks after each that the guest is one generation, byte for byte, that nobody else was interrupted, and that what was
 * told is so.
 */
export async function runFaults(
  target: TargetGuest,
  home: FaultHome,
  { perPhase, seed, pace }: { readonly perPhase: number; readonly seed: number; readonly pace: number },
  tell: (line: string) => void,
): Promise<readonly Hit[]> {
  const random = seeded(seed);
  const pick = (most: number): number => 1 + Math.floor(random() * most);
  const parts = home.releases.map(partOf);
  const digests = await Promise.all(home.releases.map(digestOfPart));
  const bare = await bareFiles(target, home);
  let current = 0;
  const hits: Hit[] = [];

  /** How many steps each phase has, on the way to the other generation, and on the way back. */
  const lengths = async (): Promise<Readonly<Record<string, number>>> => {
    const there = await target.activate(home.releases[1], { pace });
    assert.equal(there?.activation.state, 'succeeded', JSON.stringify(there));
    const away = await target.activate(home.bad, { pace, again: true });
    assert.equal(away?.activation.state, 'failed', JSON.stringify(away));
    const back = await target.activate(home.releases[0], { pace });
    assert.equal(back?.activation.state, 'succeeded', JSON.stringify(back));
    const both = phases.map((phase) => {
      const [one = 0, other = 0] = [there.asked.phases[phase], back.asked.phases[phase]];
      return [phase, phase === 'back' ? away.asked.phases[phase]! : Math.min(one, other)] as const;
    });
    return Object.fromEntries(both);
  };

  /** The guest is this generation, all of it and nothing else; its services run. */
  const check = async (
    which: number,
    runs: ReadonlyMap<string, string> | null,
    what: string,
  ): Promise<void> => {
    const { guest } = target;
    const wanted = new Map([...bare, ...filesWanted(parts[which]!)]);
    assert.deepEqual(differing(await filesOf(guest), wanted), [], what);
    const services = [...new Set(home.running.flat())];
    const states = (await guest.run(['systemctl', 'is-active', '--', ...services])).out.trim().split('\n');
    const should = services.map((name) => (home.running[which]!.includes(name) ? 'active' : 'inactive'));
    assert.deepEqual(states, should, `${what}: ${services}`);
    const now = await runsOf(guest, home.untouched);
    if (runs === null) for (const run of now.values()) assert.match(run, /ActiveState=active/, what);
    else assert.deepEqual(differing(runs, now), [], `${what}: untouched`);
  };

  const one = async (fault: LabFault, disks: readonly string[]): Promise<void> => {
    const what = JSON.stringify({ ...fault, current });
    const goal = 1 - current;
    const wanted = fault.phase === 'back' ? home.bad : home.releases[goal]!;
    const runs = await runsOf(target.guest, home.untouched);
    const more = { fault, disks, pace, again: fault.phase === 'back' };
    let told: Activation | null = null;
    if (fault.kind === 'hang') {
      if (!(await target.activateAndCut(wanted, more))) return tell(`${what}: ended before`);
      await target.guest.boot();
    } else told = (await target.activate(wanted, more))?.activation ?? null;
    if (disks.length > 0)
      await target.guest.must(['sh', '-c', 'for disk; do rm -f "$disk"/.full-*; done', 'sh', ...disks]);
    const word = told === null ? 'nothing' : told.state === 'failed' ? told.code : told.state;
    hits.push({ phase: fault.phase, kind: fault.kind, told: word });

    const { before, back, sight } = (await target.ask({ do: 'settle' }))!;
    assert.equal(back!.ok, true, `${what}: ${JSON.stringify(back)}`);
    const certain = told?.state === 'succeeded' || (told?.state === 'failed' && told.back);
    // Whether the way back was written down, before anything changed, is not known where its answer was lost.
    const isUnheard = fault.phase === 'journal' && fault.kind === 'cut' && told?.state === 'failed';
    if (certain && !isUnheard)
      assert.equal(before!.pending, false, `${what}: nothing is left to do: ${JSON.stringify(told)}`);
    if (told?.state === 'succeeded') assert.ok(wanted !== home.bad, what);
    if (told?.state === 'failed') {
      const own = wanted === home.bad ? ['service_failed'] : causes[fault.kind];
      assert.ok(own.includes(told.code), `${what}: ${JSON.stringify(told)}`);
    }
    // What was settled before the end is in force, where nobody heard of it.
    const isThere = told?.state === 'succeeded' || (!certain && sight!.part === digests[goal]);
    if (isThere) current = goal;
    assert.deepEqual([sight!.part, sight!.drift, sight!.pending], [digests[current], [], false], what);
    await check(current, fault.kind === 'hang' ? null : runs, `${what}: ${JSON.stringify(told)}`);
  };

  const steps = await lengths();
  tell(`steps by phase: ${JSON.stringify(steps)}`);
  for (const phase of phases) assert.ok(steps[phase]! > 0, `no activation has the phase ${phase}`);
  const plan: LabFault[] = [];
  for (const phase of phases) {
    const possible = kinds.filter((kind) => kind !== 'fill' || !withoutDisk.has(phase));
    for (let count = 0; count < perPhase; count += 1) {
      const kind = possible[count % possible.length]!;
      const when = random() < 0.5 ? 'before' : 'after';
      plan.push({ phase, call: pick(steps[phase]!), when, kind });
    }
  }
  for (const fault of plan.filter(({ kind }) => kind !== 'fill')) await one(fault, []);
  await onSmallDisks(target, home.disks, async () => {
    for (const fault of plan.filter(({ kind }) => kind === 'fill')) await one(fault, home.disks);
  });
  return hits;
}

/** A table of how often each phase was hit, by kind; and what was told, by kind. */
export function histogram(hits: readonly Hit[]): string {
  const rows = phases.map((phase) => {
    const ofPhase = hits.filter((hit) => hit.phase === phase);
    const counts = kinds.map((kind) => `${kind} ${ofPhase.filter((hit) => hit.kind === kind).length}`);
    return `${phase.padEnd(8)} ${String(ofPhase.length).padStart(3)}  ${counts.join(', ')}`;
  });
  const told = kinds.map((kind) => {
    const words = hits.filter((hit) => hit.kind === kind).map((hit) => hit.told);
    const counts = [...new Set(words)]
      .sort()
      .map((word) => `${word} ${words.filter((one) => one === word).length}`);
    return `${kind.padEnd(8)} told: ${counts.join(', ')}`;
  });
  return [...rows, ...told].join('\n');
}

const partOf = ({ manifest }: Release) => manifest.parts.find(({ target }) => target === 'websvcs')!;
const digestOfPart = (release: Release): Promise<string> =>
  digestBytes(toBytes(canonicalJson(partOf(release))));

/** What lies in the folders beside the release. */
async function bareFiles(target: TargetGuest, home: FaultHome): Promise<ReadonlyMap<string, string>> {
  const files = await filesOf(target.guest);
  const own = new Set(home.releases.flatMap((release) => [...filesWanted(partOf(release)).keys()]));
  return new Map([...files].filter(([path]) => !own.has(path)));
}

/** Puts small file systems in the place of folders for as long as the work takes. */
async function onSmallDisks(
  { guest }: TargetGuest,
  folders: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  for (const folder of folders) {
    const mount =
      'cp -a "$1" /tmp/kept; mount -t tmpfs -o size=1m,mode=755 small "$1"; cp -a /tmp/kept/. "$1"; rm -r /tmp/kept';
    await guest.must(['sh', '-ec', mount, 'sh', folder]);
  }
  try {
    await work();
  } finally {
    for (const folder of [...folders].reverse()) {
      const unmount =
        'cp -a "$1" /tmp/kept; umount -l "$1"; rm -rf "$1"; cp -a /tmp/kept "$1"; rm -r /tmp/kept';
      await guest.must(['sh', '-ec', unmount, 'sh', folder]);
    }
  }
}
