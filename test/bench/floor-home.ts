import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { startPart } from './part.ts';

/** The floor under a job, as a home of two processes like Writ's. */
export type FloorHome = {
  /** One job, from the order to the durable receipt. */
  order(): Promise<void>;
  stop(): Promise<void>;
};

const file = (name: string): string => join(import.meta.dirname, name);
/** About what an order of Writ weighs. */
const orderBytes = 300;

export async function startFloor(parent: string): Promise<FloorHome> {
  const folder = await mkdtemp(join(parent, 'floor-'));
  const server = await startPart(file('floor-server.ts'), [folder]);
  const relay = await startPart(file('floor-relay.ts'), [folder, server.ready]);
  const agent = new Agent({ keepAlive: true });
  let count = 0;
  return {
    order: () =>
      new Promise((resolve, reject) => {
        const target = {
          host: '127.0.0.1',
          port: Number(server.ready),
          path: '/order',
          method: 'POST',
          agent,
        };
        const outgoing = httpRequest(target, (incoming) => {
          incoming.resume();
          incoming.on('end', resolve);
        });
        outgoing.on('error', reject);
        count += 1;
        outgoing.end(JSON.stringify({ count, filling: 'x'.repeat(orderBytes) }));
      }),
    async stop() {
      agent.destroy();
      await relay.stop();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
