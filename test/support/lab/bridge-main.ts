// node bridge-main.ts DIAL.sock [ADDRESS:PORT=SERVE.sock …]
//
// Stands in a network namespace, and joins it with sockets of the file system, which every namespace sees: so a test
// can be many places at once in one process.
//
// To DIAL, one line: `tcp ADDRESS PORT`, and then what is sent and answered; or `udp ADDRESS PORT BASE64`, and the
// answer comes. Whoever connects to ADDRESS:PORT is led to SERVE, behind one line with its address.

import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import { firstLine } from './first-line.ts';

const [dial, ...served] = process.argv.slice(2);

/** Ends one side when the other does; a reset is passed on as one. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroySoon());
  }
}

createServer({ allowHalfOpen: true }, (caller) => {
  caller.on('error', () => caller.destroy());
  void firstLine(caller).then(
    (line) => {
      const [kind, host, port, payload] = line.split(' ');
      if (kind === 'udp') {
        const asker = createSocket('udp4');
        asker.once('message', (answer) => {
          caller.end(answer);
          asker.close();
        });
        asker.send(Buffer.from(payload!, 'base64'), Number(port), host);
        return;
      }
      const called = connect({ host: host!, port: Number(port), allowHalfOpen: true });
      called.once('error', (error: NodeJS.ErrnoException) => caller.end(`${error.code}\n`));
      called.once('connect', () => {
        called.removeAllListeners('error');
        caller.write('connected\n');
        join(caller, called);
        caller.resume();
      });
    },
    () => {},
  );
}).listen(dial);

let left = served.length;
const ready = (): void => {
  if (left === 0) process.stdout.write('ready\n');
  left -= 1;
};
for (const one of served) {
  const [at, path] = one.split('=') as [string, string];
  const [host, port] = at.split(':') as [string, string];
  createServer({ allowHalfOpen: true }, (caller) => {
    const called = connect({ path, allowHalfOpen: true });
    called.write(`${caller.remoteAddress} ${caller.remotePort}\n`);
    join(caller, called);
  }).listen(Number(port), host, ready);
}
ready();
