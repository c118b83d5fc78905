import type { Socket } from 'node:net';

/** The first line that a socket brings; what follows stays in it. */
export function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\n');
      if (end < 0) return;
      socket.off('data', read);
      socket.pause();
      if (end + 1 < head.length) socket.unshift(head.subarray(end + 1));
      resolve(head.subarray(0, end).toString());
    };
    socket.on('data', read);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}
