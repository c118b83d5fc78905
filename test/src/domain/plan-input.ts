import type { Order } from '../../../schema/api/orders.ts';
import type { GuestReport } from '../../../schema/wire/report.ts';
import type { PlanInput } from '../../../src/domain/planning.ts';
import type { HostState, World } from '../../../src/domain/world.ts';
import { testHouse } from '../../support/relay-home.ts';

/** How the house stands: what is not told is awake, or unknown. */
export type Told = {
  readonly hosts?: Readonly<Record<string, HostState>>;
  readonly guests?: Readonly<Record<string, GuestReport['state']>>;
};

const worldFrom = ({ hosts = {}, guests = {} }: Told): World => ({
  now: 0,
  host: (name) => hosts[name] ?? 'awake',
  guest: (name) => {
    const state = Object.hasOwn(guests, name) ? guests[name] : undefined;
    return state === undefined ? null : { state, lock: null, agent: 'none', in_use: null };
  },
});

export const all = (): boolean => true;
export const none = (): boolean => false;

/** A plan's input in which all is allowed but what a test changes. */
export const input = (order: Order, told: Told, change: Partial<PlanInput> = {}): PlanInput => ({
  order,
  sleep: false,
  house: testHouse,
  runbooks: {},
  world: worldFrom(told),
  covers: all,
  granted: all,
  admitted: all,
  ...change,
});
