import { gzipSync } from 'node:zlib';
import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'wrong-types',
  threat: 18,
  about: 'An order that may not be, as HTML, as text, compressed, and under statuses that no API has.',
  must: 'refuse',
  async run(thief) {
    const { forge } = thief;
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.stop', target: 'websvcs' }]);
    const body = JSON.stringify({ jobs: [await thief.mint('pve2', paper)] });
    const heads: [number, Record<string, string>][] = [
      [200, { 'content-type': 'text/html' }],
      [299, { 'content-type': 'application/json' }],
      [500, { 'content-type': 'application/json' }],
      [200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
    ];
    for (const [index, [status, head]] of heads.entries()) {
      await thief.lie(index % 2 === 0 ? 'pve1' : 'pve2', (_, response) => {
        response.writeHead(status, head);
        response.end('content-encoding' in head ? gzipSync(Buffer.alloc(8 * 1024 * 1024)) : body);
      });
    }
  },
};
