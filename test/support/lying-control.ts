import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { formatSetupCode, type SetupCode } from '../../schema/api/access.ts';
import { encodeBase64url } from '../../schema/jose/base64url.ts';
import { digestOf } from '../../schema/jose/digest.ts';
import { generateKey } from '../../schema/jose/keys.ts';
import type { TrustDocument } from '../../schema/trust/document.ts';
import type { TrustJws } from '../../schema/wire/relay-api.ts';
import { type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { makeServerCertificate } from './proxmox/certificate.ts';

/** How a request is answered; `body` is its text. */
export type Lie = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

/** A control plane with the pinned key that says what a test wants, and what an honest one would where it wants nothing. */
export type LyingControl = {
  readonly setup: SetupCode;
  readonly code: string;
  readonly configDir: string;
  /** Answers `METHOD /path` so from now on; null: honestly. */
  answer(route: string, lie: Lie | null): void;
  /** The versions of trust that it serves. */
  versions: TrustJws[];
  home(): string;
  /** A command line of the owner whose control plane this is. */
  writ(...words: string[]): Promise<Ran>;
};

export const says =
  (value: unknown): Lie =>
  (_, response) =>
    response.end(JSON.stringify(value));

export const problem =
  (status: number, more: object): Lie =>
  (_, response) => {
    response.writeHead(status);
    response.end(JSON.stringify({ type: 'x', title: 'No', status, code: 'refused', detail: 'No.', ...more }));
  };

export const documentOf = (jws: TrustJws): TrustDocument =>
  JSON.parse(Buffer.from(jws.payload, 'base64url').toString()) as TrustDocument;

export async function startLiar(
  t: TestContext,
  options: { readonly claim?: boolean } = {},
): Promise<LyingControl> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-liar-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const configDir = join(folder, 'owner');
  const lies = new Map<string, Lie>();
  const liar: { versions: TrustJws[] } = { versions: [] };

  const honest: Readonly<Record<string, Lie>> = {
    'POST /v1/setup': (_, response, body) => {
      const { trust } = JSON.parse(body) as { trust: TrustJws };
      liar.versions = [trust];
      response.end(JSON.stringify({ home: documentOf(trust).home, version: 1 }));
    },
    'GET /v1/trust': ({ url = '' }, response) => {
      const after = Number(/after=(\d+)/.exec(url)?.[1] ?? 0);
      const versions = liar.versions.filter((jws) => documentOf(jws).version > after);
      response.end(JSON.stringify({ versions }));
    },
    'POST /v1/trust': async (_, response, body) => {
      const { versions } = JSON.parse(body) as { versions: TrustJws[] };
      const newest = documentOf(liar.versions.at(-1)!).version;
      liar.versions.push(...versions.filter((jws) => documentOf(jws).version > newest));
      const last = versions.at(-1)!;
      const digest = await digestOf('trust', new Uint8Array(Buffer.from(last.payload, 'base64url')));
      response.end(JSON.stringify({ version: documentOf(last).version, digest }));
    },
  };
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const route = `${request.method} ${request.url?.split('?')[0]}`;
      const lie = lies.get(route) ?? honest[route] ?? problem(404, {});
      lie(request, response, Buffer.concat(chunks).toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { signing } = await generateKey();
  const setup: SetupCode = {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spki: pins.spki as SetupCode['spki'],
    controller: signing.jwk,
    secret: encodeBase64url(new Uint8Array(32)),
  };
  const code = formatSetupCode(setup);
  const writ = (...words: string[]): Promise<Ran> => runWrit([...words, '--config', configDir]);
  if (options.claim !== false) {
    const house = join(import.meta.dirname, '../../examples/house.yaml');
    const ran = await writ('init', code, '--trial', '--house', house);
    if (ran.exit !== 0) throw new Error(`the liar was not claimed: ${ran.err}`);
  }
  return Object.assign(liar, {
    setup,
    code,
    configDir,
    answer: (route: string, lie: Lie | null) =>
      void (lie === null ? lies.delete(route) : lies.set(route, lie)),
    home: () => documentOf(liar.versions[0]!).home,
    writ,
  });
}
