import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attack } from './attack.ts';
import { isGood, runAttacks } from './run.ts';
import type { Facts } from './world.ts';

const nothing: Facts = {
  proxmox: [],
  inside: [],
  packet: [],
  program: [],
  decoy: [],
  trust: [],
  listens: [],
  leak: [],
};
const named = (name: string, must?: Attack['must']): Attack => ({
  name,
  threat: 1,
  about: name,
  ...(must !== undefined && { must }),
  run: async () => undefined,
});

test('what an attack had begun is seen, and not taken for what is won on purpose afterwards', async () => {
  let polls = 0;
  // After each attack both relays are asked to poll again; what is won late is there at the third time.
  const world = {
    facts: () => (polls > 2 ? { ...nothing, decoy: [{ kind: 'decoy' as const, line: 'GET /' }] } : nothing),
  };
  const scene = { home: { directory: '/nowhere' } };
  const attacks = [named('sly'), named('broken', 'win')];
  const thief = {
    told: [],
    reportOf: () => undefined,
    answer: async (_: string, parts: object) => {
      if (Object.keys(parts).length === 0) polls += 1;
    },
  };
  const outcomes = await runAttacks({ scene, thief, world } as never, attacks, () => {}, 0);
  assert.deepEqual(
    outcomes.map(({ name, result }) => [name, result]),
    [
      ['sly', 'nothing'],
      ['late', 'won'],
      ['broken', 'failed'],
    ],
  );
  assert.ok(!isGood(outcomes[1]!));
});
