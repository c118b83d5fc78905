import { digestBytes } from '../../../schema/jose/digest.ts';
import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'release-by-stolen-keys',
  threat: 1,
  about: 'A release to a guest, signed by the controller, by cloud’s relay and by a key of the thief’s.',
  must: 'refuse',
  async run(thief) {
    const part = { v: 1, target: 'websvcs', files: [{ path: '/etc/opt/web/web.ini', digest: 'none' }] };
    const bytes = new TextEncoder().encode(JSON.stringify(part));
    const digest = await digestBytes(bytes);
    thief.line.lie('GET /v1/relay/blobs/{sha256}', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end(bytes);
    });
    const { forge, loot, own } = thief;
    for (const by of [loot.controller, loot.cloud, own])
      await thief.order('pve2', await forge.release([{ relay: 'pve2', target: 'websvcs', digest }], by));
    await thief.order('pve1', await forge.release([{ relay: 'pve1', target: 'pve1', digest }]));
    thief.line.lie('GET /v1/relay/blobs/{sha256}', null);
  },
};
