import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'strange-json',
  threat: 18,
  about:
    'JSON with keys that stand twice, that no object has, too deep or too many, around an order that may not be.',
  must: 'refuse',
  async run(thief) {
    const { forge } = thief;
    const lies = async (relay: 'pve1' | 'pve2', bend: (job: string) => string): Promise<void> => {
      const target = relay === 'pve1' ? 'router' : 'websvcs';
      const job = await thief.mint(relay, await forge.intent([{ relay, action: 'guest.stop', target }]));
      const text = bend(job);
      await thief.lie(relay, (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(text);
      });
    };
    await lies('pve1', (job) => `{"jobs":[],"jobs":["${job}"],"jo\\u0062s":["${job}"]}`);
    await lies('pve2', (job) => `{"__proto__":{"jobs":["${job}"]},"constructor":1}`);
    await lies('pve1', (job) => `${'['.repeat(100_000)}"${job}"${']'.repeat(100_000)}`);
    await lies('pve2', (job) =>
      JSON.stringify({ jobs: Array.from({ length: 10_000 }, () => job.slice(0, 200)) }),
    );
    await lies('pve1', () => '\ufeff{}');
  },
};
