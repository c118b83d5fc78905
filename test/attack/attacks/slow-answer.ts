import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'slow-answer',
  threat: 7,
  about: 'A byte now and then: the relay of one host hangs on the thief’s line, and the other works on.',
  must: 'refuse',
  async run(thief) {
    const poll = await thief.line.poll('pve1');
    let sent = 0;
    poll?.answer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => {
        sent += 1;
        response.write(' ');
        // A relay gives up by itself, later than this program has time for.
        if (sent === 20) response.destroy();
      }, 50);
      response.on('close', () => clearInterval(timer));
    });
    const paper = await thief.forge.intent([{ relay: 'pve2', action: 'guest.stop', target: 'websvcs' }]);
    await thief.order('pve2', paper);
  },
};
