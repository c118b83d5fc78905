// Runs in a network of its own: machines-main.ts CERTIFICATE KEY TOKEN. Answers at all addresses there as the machines of a
// home do that are asked for metrics: at port 9100 as node-exporter, at 8082 as Traefik, at 9090 as Headscale; and at 8420,
// by TLS, as Writ, with the last text that standard input brought, a line of JSON. To who asks for a name it says that there is
// none, as a resolver without the world does. Ends with standard input.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';

const [cert, key, token] = process.argv.slice(2) as [string, string, string];
let text = '';

const others = [9100, 8082, 9090].map((port) =>
  createServer((_, response) => response.end('stand_in 1\n')).listen(port, '0.0.0.0'),
);
const writ = createTlsServer({ cert, key }, ({ headers, url }, response) => {
  const known = headers.authorization === `Bearer ${token}` && url === '/metrics';
  response.writeHead(known ? 200 : 401, { 'content-type': 'text/plain; version=0.0.4' });
  response.end(known ? text : '');
}).listen(8420, '0.0.0.0');

const names = createSocket('udp4');
names.on('message', (question, { port, address }) => {
  const answer = Buffer.from(question);
  // An answer, and no such name (RFC 1035, 4.1.1).
  answer[2]! |= 0x80;
  answer[3] = 0x83;
  names.send(answer, port, address);
});
names.bind(53, '0.0.0.0');
await Promise.all(
  [...others, writ, names].map((server) => new Promise((resolve) => server.once('listening', resolve))),
);
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  text = JSON.parse(line) as string;
  console.log('told');
}
process.exit(0);
