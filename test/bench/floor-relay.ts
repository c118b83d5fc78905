// The floor's relay: polls, verifies, writes down before and after, answers. Imports nothing of the project.

import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { fdatasync, openSync, writeSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';

const [folder, port] = process.argv.slice(2);
if (folder === undefined || port === undefined) throw new Error('folder and port are missing');
const log = openSync(join(folder, 'floor-relay.log'), 'a');
const keys = generateKeyPairSync('ed25519');
const agent = new Agent({ keepAlive: true });
let syncs = 0;

const keep = (line: string): Promise<void> =>
  new Promise((resolve, reject) => {
    writeSync(log, `${line}\n`);
    syncs += 1;
    fdatasync(log, (error) => (error ? reject(error) : resolve()));
  });

const call = (path: string, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host: '127.0.0.1', port: Number(port), path, method: 'POST', agent },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve(Buffer.concat(chunks).toString()));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

const own = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const der = Buffer.from(await call('/hello', own), 'base64');
const serverKey = createPublicKey({ key: der, format: 'der', type: 'spki' });

async function take(text: string): Promise<void> {
  const job = JSON.parse(text) as { body: string; signature: string };
  if (!verify(null, Buffer.from(job.body), serverKey, Buffer.from(job.signature, 'base64'))) {
    throw new Error('the job does not verify');
  }
  await keep(`begun ${job.body}`);
  await keep(`ended ${job.body}`);
  const signature = sign(null, Buffer.from(job.body), keys.privateKey).toString('base64');
  await call('/receipt', JSON.stringify({ order: job.body, signature }));
}

process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGUSR2', () => process.stderr.write(`${syncs}\n`));
let parked = call('/poll', '');
process.stdout.write('polling\n');
for (;;) {
  const job = await parked;
  parked = call('/poll', '');
  await take(job);
}
