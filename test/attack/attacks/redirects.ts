import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'redirects',
  threat: 6,
  about:
    'Redirects of polls, trust and blobs to another server: a relay speaks with the origins of its trust alone.',
  must: 'refuse',
  async run(thief) {
    const { decoy } = thief.scene;
    for (const status of [301, 307]) {
      await thief.lie('pve2', (_, response) => {
        response.writeHead(status, { location: `${decoy.url}/v1/relay/poll` });
        response.end();
      });
    }
    await thief.lie('pve1', (_, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'alt-svc': `h2="${new URL(decoy.url).host}"`,
        refresh: `0; url=${decoy.url}`,
      });
      response.end('{}');
    });
  },
};
