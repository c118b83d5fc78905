import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostMachine } from '../../relay/machine/host-machine.ts';
import type { Machine } from '../../relay/machine/machine.ts';
import type { ReleaseApp } from '../../schema/wire/release.ts';
import { rebase } from './rebased-machine.ts';
import { makeLeaf, makeRoot } from './test-authority.ts';

type Artifact = ReleaseApp['artifacts'][number];
type Answer = Buffer | ((request: IncomingMessage, response: ServerResponse) => void);

/** A server on the loopback with files from elsewhere, and a machine in a folder that trusts its certificate. */
export type FetchingHome = {
  readonly machine: Machine;
  /** The machine's `/`. */
  readonly root: string;
  readonly url: string;
  /** What was asked of the server. */
  readonly asked: string[];
  readonly answers: Map<string, Answer>;
  /** An artifact of these bytes, which the server has under this name. */
  serve(name: string, bytes: Buffer, more?: Partial<Artifact>): Artifact;
  /** A tar that GNU tar makes with these words in a folder that has these files. */
  pack(
    files: Readonly<Record<string, string>>,
    words?: readonly string[],
    prepare?: (folder: string) => void,
  ): Buffer;
  close(): Promise<void>;
};

/** Why this machine cannot fetch anything; null where it can. */
export function whyNoFetching(): string | null {
  if (process.getuid?.() !== 0) return 'root, to fetch and unpack as others';
  if (!existsSync('/usr/lib/apt/apt-helper')) return 'apt, whose helper fetches files';
  const lacks = ['tar', 'setpriv', 'prlimit', 'find'].find((name) => spawnSync(name, ['--version']).error);
  return lacks === undefined ? null : lacks;
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const artifactOf = (more: Partial<Artifact> = {}): Artifact => ({
  url: 'https://example.net/x',
  sha256: 'a'.repeat(64),
  to: '/etc/opt/web/x',
  mode: '0644',
  owner: 'root:root',
  unpack: false,
  strip: 0,
  on_change: 'none',
  ...more,
});

export async function openFetchingHome(): Promise<FetchingHome> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-fetch-'));
  // As /var/lib is: apt’s own user has to get through.
  chmodSync(folder, 0o755);
  const root = join(folder, 'root');
  for (const path of ['var/lib', 'etc/opt', 'etc/containers/systemd', 'etc/systemd/system'])
    mkdirSync(join(root, path), { recursive: true });
  const authority = await makeRoot();
  const leaf = await makeLeaf(authority, ['localhost']);
  writeFileSync(join(folder, 'ca.pem'), authority.pem);
  writeFileSync(
    join(folder, 'apt.conf'),
    `Acquire::https::CAInfo "${folder}/ca.pem";\nAcquire::https::Proxy::localhost "DIRECT";\n`,
  );
  const asked: string[] = [];
  const answers = new Map<string, Answer>();
  const server: Server = createServer(
    { cert: leaf.pem, key: leaf.key.export({ type: 'pkcs8', format: 'pem' }) },
    (request, response) => {
      asked.push(request.url!);
      const answer = answers.get(request.url!);
      if (typeof answer === 'function') return answer(request, response);
      if (answer === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-length': answer.length }).end(answer);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://localhost:${(server.address() as AddressInfo).port}`;
  const here = createHostMachine('websvcs');
  return {
    machine: rebase(here, root, { env: { APT_CONFIG: join(folder, 'apt.conf') } }),
    root,
    url,
    asked,
    answers,
    serve(name, bytes, more = {}) {
      answers.set(`/${name}`, bytes);
      return artifactOf({ url: `${url}/${name}`, sha256: sha256Of(bytes), ...more });
    },
    pack(files, words = [], prepare = () => {}) {
      const from = mkdtempSync(join(folder, 'pack-'));
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(from, path, '..'), { recursive: true });
        writeFileSync(join(from, path), text);
      }
      prepare(from);
      const to = `${from}.tar`;
      execFileSync('tar', [
        '--create',
        '--file',
        to,
        '--directory',
        from,
        ...(words.length > 0 ? words : ['.']),
      ]);
      return readFileSync(to);
    },
    async close() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
