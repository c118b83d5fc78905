// The floor's server: what no durable, signed queue over HTTP can do without. Imports nothing of the project.
// Per job: one parked poll answered, one fdatasync for the order, one sign, one verify, one fdatasync for the receipt.

import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { fdatasync, openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined) throw new Error('the folder of the log is missing');
const log = openSync(join(folder, 'floor-server.log'), 'a');
const keys = generateKeyPairSync('ed25519');
const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
let relayKey: ReturnType<typeof createPublicKey> | undefined;
let syncs = 0;

const keep = (line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    writeSync(log, `${line}\n`);
    syncs += 1;
    fdatasync(log, (error) => (error ? reject(error) : resolve()));
  });

const bodyOf = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });

const waitingForJob: ServerResponse[] = [];
const waitingForEnd = new Map<string, ServerResponse>();

const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  switch (request.url) {
    case '/hello':
      relayKey = createPublicKey({ key: Buffer.from(body, 'base64'), format: 'der', type: 'spki' });
      response.end(publicKey);
      return;
    case '/order': {
      await keep(body);
      waitingForEnd.set(body, response);
      const signature = sign(null, Buffer.from(body), keys.privateKey).toString('base64');
      waitingForJob.shift()?.end(JSON.stringify({ body, signature }));
      return;
    }
    case '/poll':
      waitingForJob.push(response);
      return;
    case '/receipt': {
      const receipt = JSON.parse(body) as { order: string; signature: string };
      if (!verify(null, Buffer.from(receipt.order), relayKey!, Buffer.from(receipt.signature, 'base64'))) {
        throw new Error('the receipt does not verify');
      }
      await keep(body);
      response.end();
      waitingForEnd.get(receipt.order)?.end();
      waitingForEnd.delete(receipt.order);
      return;
    }
    default:
      response.end(String(syncs));
  }
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
