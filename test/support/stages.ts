import assert from 'node:assert/strict';
import type { House } from '../../schema/trust/document.ts';
import type { Stage } from './perform.ts';
import type { GuestSpec } from './proxmox/options.ts';
import { type FastTime, fastTime, startTower, type Tower } from './relay.ts';
import { testHouse } from './relay-home.ts';

export type TowerStage = Stage & { readonly tower: Tower };

/** Simulated towers for tests of actions, in time that runs a hundred times faster. */
export type Stages = {
  readonly time: FastTime;
  /** A tower whose guests differ from the test house's as told. */
  open(changes?: Readonly<Record<number, Partial<GuestSpec>>>, token?: string): Promise<TowerStage>;
  /** Closes all, and makes sure that every request was as the official schema says. */
  close(): Promise<void>;
};

export function createStages(): Stages {
  const time = fastTime(100);
  const towers: Tower[] = [];
  return {
    time,
    async open(changes = {}, token) {
      const tower = await startTower(time, changes, token);
      towers.push(tower);
      return { time, tower };
    },
    async close() {
      for (const tower of towers.splice(0)) {
        assert.deepEqual(tower.simulator.violations, []);
        await tower.close();
      }
    },
  };
}

/** The test house with one guest changed. */
export function houseWith(name: string, change: Partial<House['guests'][string]>): House {
  const guest = testHouse.guests[name];
  if (guest === undefined) throw new Error(`no guest ${name}`);
  return { ...testHouse, guests: { ...testHouse.guests, [name]: { ...guest, ...change } } };
}

/** Orders to guests that reached Proxmox, such as `qemu/102/status/start`. */
export const ordersTo = (tower: Tower): string[] =>
  tower.simulator.requests
    .filter(({ method, path }) => method === 'POST' && !path.includes('/agent/'))
    .map(({ path }) => path.split('/').slice(3).join('/'));

export const running = { running: true } as const;
