import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'trust-garbage',
  threat: 7,
  about: 'Trust that is no trust: megabytes, thousands of versions, deep JSON, an answer that breaks off.',
  must: 'refuse',
  async run(thief) {
    const { loot, restart, line } = thief;
    const last = loot.versions.at(-1)!;
    const texts = [
      JSON.stringify({ versions: Array.from({ length: 5_000 }, () => ({ payload: 'e30', signatures: [] })) }),
      JSON.stringify({ versions: [{ ...last, payload: 'x'.repeat(12 * 1024 * 1024) }] }),
      `{"versions":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      '{"versions":[{"payl',
    ];
    for (const text of texts) {
      line.lie('GET /v1/trust', (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(text);
      });
      await restart('pve1');
    }
    line.lie('GET /v1/trust', null);
  },
};
