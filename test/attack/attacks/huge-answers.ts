import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'huge-answers',
  threat: 7,
  about: 'Answers of sixteen megabytes, announced and not, and one that never ends.',
  must: 'refuse',
  async run(thief) {
    await thief.lie('pve2', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"heartbeat":"${'x'.repeat(16 * 1024 * 1024)}"}`);
    });
    await thief.lie('pve1', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 ** 40 });
      response.write('{');
    });
    await thief.lie('pve2', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
  },
};
