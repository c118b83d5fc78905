import type { Judge } from '../../relay/agent/executor-contract.ts';
import type { Digest } from '../../schema/jose/digest.ts';
import type { Trust } from '../../schema/trust/read.ts';
import type { Job } from '../../schema/wire/job.ts';
import { createTestClock, type MemoryDisk, type TestClock } from '../relay/agent/fixture.ts';
import { testNonce } from '../support/relay-home.ts';
import type { Counts } from './counts.ts';
import { dawn, type Law, laws } from './law.ts';
import type { Attestation, Token } from './law-github.ts';
import { createOracle, type Oracle } from './oracle.ts';
import type { Paper } from './papers.ts';
import type { World } from './world.ts';

export const minute = 60_000;

/** A job as it went out, to be sent again or bent; null: it was not the controller's key that signed it. */
export type SentJob = { readonly text: string; readonly job: Job | null; readonly digest: Digest };

/** All that changes while a trace is played. */
export type Scene = {
  readonly world: World;
  readonly judge: Judge;
  readonly counts: Counts;
  readonly clock: TestClock;
  readonly oracle: Oracle;
  /** What the adversary has in hand. */
  readonly papers: Paper[];
  readonly jobs: SentJob[];
  readonly ownReceipts: string[];
  readonly tokens: Token[];
  readonly attestations: Attestation[];
  /** When the notary first saw a token, by its text. */
  readonly notarySights: Map<string, number>;
  /** Whether the issuers of tokens answer. */
  issuersAreUp: boolean;
  disk: MemoryDisk;
  trust: Trust;
  law: Law;
  /** What the next deeds come to. */
  outcome: 'succeed' | 'fail' | 'hang';
  /** Time that truly passed since the trace began. */
  trueMs: number;
  /** The nonce of the run before. */
  lastSession: string;
  /** The first deed that was not allowed; null while there is none. */
  violation: string | null;
  /** Somebody stands behind this paper now, and the adversary has it. */
  gain(paper: Paper): void;
  gainToken(token: Token): void;
  gainAttestation(attestation: Attestation): void;
};

export function openScene(world: World, judge: Judge, counts: Counts): Scene {
  const clock = createTestClock(dawn);
  clock.advance(minute);
  const oracle = createOracle(world.home.id);
  const papers: Paper[] = [...world.recorded];
  for (const paper of papers) oracle.learn(paper);
  for (const token of world.tokens) oracle.learnToken(token);
  for (const attestation of world.attestations) oracle.learnAttestation(attestation);
  const tokens = [...world.tokens];
  const attestations = [...world.attestations];
  return {
    world,
    judge,
    counts,
    clock,
    oracle,
    papers,
    jobs: [],
    ownReceipts: [],
    tokens,
    attestations,
    notarySights: new Map(attestations.map(({ token, seenMs }) => [token, seenMs])),
    issuersAreUp: true,
    disk: world.disk.clone(),
    trust: world.trusts[0]!,
    law: laws[0]!,
    outcome: 'succeed',
    trueMs: 0,
    lastSession: testNonce(),
    violation: null,
    gain(paper) {
      oracle.learn(paper);
      papers.push(paper);
    },
    gainToken(token) {
      oracle.learnToken(token);
      tokens.push(token);
    },
    gainAttestation(attestation) {
      oracle.learnAttestation(attestation);
      attestations.push(attestation);
    },
  };
}

/** Time passes, for everybody. */
export function passTime(scene: Scene, minutes: number): void {
  scene.trueMs += minutes * minute;
  scene.clock.advance(minutes * minute);
}
