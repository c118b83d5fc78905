import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'smuggled-answers',
  threat: 7,
  about: 'Answers with two lengths, with a length and chunks, and with a second answer behind the first.',
  must: 'refuse',
  async run(thief) {
    const { forge } = thief;
    const paper = await forge.intent([{ relay: 'pve2', action: 'guest.stop', target: 'websvcs' }]);
    const job = await thief.mint('pve2', paper);
    const body = JSON.stringify({ jobs: [job] });
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
    for (const raw of [
      `${head}Content-Length: 2\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      `${head}Content-Length: 2\r\n\r\n{}${head}Content-Length: ${body.length}\r\n\r\n${body}`,
      `HTTP/0.9 200\r\n\r\n${body}`,
      `${head}X: ${'y'.repeat(64 * 1024)}\r\nContent-Length: 2\r\n\r\n{}`,
    ]) {
      await thief.lie('pve2', (_, response) => {
        response.socket?.end(raw);
      });
    }
  },
};
