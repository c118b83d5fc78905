import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { makeLeaf, makeRoot } from '../test-authority.ts';
import type { TargetGuest } from './target-guest.ts';

/** A server of files by https in a guest's network, at `localhost`. */
export type FileServer = {
  readonly url: string;
  /** Gives it what it has from now on, by path. */
  set(files: Readonly<Record<string, Uint8Array>>): Promise<void>;
  /** What it was asked for since this was called last. */
  asked(): Promise<string[]>;
  close(): void;
};

const port = 8443;

/** Answers what it was given on stdin, a line of JSON each time, and prints a line for each that it took. */
const program = `
const { createServer } = require('node:https');
const lines = require('node:readline').createInterface({ input: process.stdin });
let files = {}; let asked = [];
const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
lines.on('line', (line) => {
  const told = JSON.parse(line);
  if (told.cert) createServer(told, (request, response) => {
    asked.push(request.url);
    const body = files[request.url];
    response.writeHead(body === undefined ? 404 : 200).end(Buffer.from(body ?? '', 'base64'));
  }).listen(${port}, '127.0.0.1', () => say('ready'));
  else if (told.files) { files = told.files; say('taken'); }
  else { say(asked); asked = []; }
});
lines.on('close', () => process.exit());
`;

/** Starts it; the guest trusts its certificate, as it trusts those of the world. */
export async function startFileServer({
  guest,
  netns,
}: Pick<TargetGuest, 'guest' | 'netns'>): Promise<FileServer> {
  const authority = await makeRoot();
  const leaf = await makeLeaf(authority, ['localhost']);
  guest.put('/usr/local/share/ca-certificates/lab.crt', authority.pem);
  await guest.must(['update-ca-certificates']);
  const child = spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const say = async (told: object): Promise<unknown> => {
    const heard = once(child.stdout, 'data');
    child.stdin.write(`${JSON.stringify(told)}\n`);
    const [line] = (await heard) as [Buffer];
    return JSON.parse(line.toString());
  };
  await say({ cert: leaf.pem, key: leaf.key.export({ type: 'pkcs8', format: 'pem' }) });
  return {
    url: `https://localhost:${port}`,
    async set(files) {
      const encoded = Object.entries(files).map(([path, bytes]) => [
        path,
        Buffer.from(bytes).toString('base64'),
      ]);
      await say({ files: Object.fromEntries(encoded) });
    },
    asked: async () => (await say({})) as string[],
    close: () => child.stdin.end(),
  };
}
