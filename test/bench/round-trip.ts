import { type Figure, figure, quantile, timed } from './figure.ts';
import { startFloor } from './floor-home.ts';
import { startWritHome } from './writ-home.ts';

const warmUp = 200;
const rounds = 20;
const perRound = 25;

/**
 * A phone's order, from its request to the answer that the guest runs: accepted durably, signed, delivered to a
 * parked poll, verified, journalled before and after, its receipt durable; against the floor of the same shape, in
 * turns. The floor: 4 fdatasync, 3 plain HTTP round trips on kept connections, 2 signatures and 2 verifications.
 */
export async function roundTrip(folder: string): Promise<Figure[]> {
  const floor = await startFloor(folder);
  const home = await startWritHome({ folder });
  const phone = home.phone();
  try {
    for (let job = 0; job < warmUp; job += 1) {
      await floor.order();
      await phone.start('guest0');
    }
    const ratios: { p50: number[]; p99: number[] } = { p50: [], p99: [] };
    const all: { floor: number[]; writ: number[] } = { floor: [], writ: [] };
    for (let round = 0; round < rounds; round += 1) {
      const own: { floor: number[]; writ: number[] } = { floor: [], writ: [] };
      for (let job = 0; job < perRound; job += 1) own.floor.push(await timed(() => floor.order()));
      for (let job = 0; job < perRound; job += 1) {
        own.writ.push(await timed(() => phone.start(`guest${job}`)));
      }
      ratios.p50.push(quantile(own.writ, 0.5) / quantile(own.floor, 0.5));
      ratios.p99.push(quantile(own.writ, 0.99) / quantile(own.floor, 0.5));
      all.floor.push(...own.floor);
      all.writ.push(...own.writ);
    }
    const ms = (values: readonly number[], share: number): string =>
      `${quantile(values, share).toFixed(1)} ms`;
    const note = `floor ${ms(all.floor, 0.5)}, Writ ${ms(all.writ, 0.5)} with TLS, tokens and proofs`;
    const tail = `p99 of the floor ${ms(all.floor, 0.99)}, of Writ ${ms(all.writ, 0.99)}`;
    return [
      figure('round_trip_p50', quantile(ratios.p50, 0.5), { atMost: 2.2 }, '× floor', note),
      figure('round_trip_p99', quantile(ratios.p99, 0.5), { atMost: 8 }, '× floor', tail),
    ];
  } finally {
    phone.close();
    await home.stop();
    await floor.stop();
  }
}
