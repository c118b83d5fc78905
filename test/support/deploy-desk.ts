import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generateKey } from '../../schema/jose/keys.ts';
import { writeHome } from '../../src/cli/home.ts';
import { type Fixture, homeId, makeFixture } from '../src/cli/home-fixture.ts';
import { type Person, type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { createDeployControl, type DeployControl } from './deploy-control.ts';
import { deployHome } from './deploy-repo.ts';
import { makeServerCertificate } from './proxmox/certificate.ts';
import { writeTree } from './repo-fixture.ts';

/** The owner's computer with a repo, before a control plane in memory. */
export type Desk = Omit<DeployControl, 'handle'> & {
  readonly repo: string;
  readonly configDir: string;
  readonly home: Fixture;
  edit(path: string, text: string): void;
  /** A command line of the owner. */
  writ(words: readonly string[], person?: Person): Promise<Ran>;
  /** `writ deploy --yes --wait` of the repo. */
  deploy(...words: string[]): Promise<Ran>;
};

export async function startDesk(t: TestContext): Promise<Desk> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-desk-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const repo = writeTree(t, deployHome);
  const operator = await generateKey();
  const home = await makeFixture({ operator: operator.signing });
  const control = createDeployControl(home);
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      control.handle(request, response, Buffer.concat(chunks)).catch((error: unknown) => {
        response.writeHead(400);
        const told = { type: 'x', title: 'No', status: 400, code: 'test_failed', detail: String(error) };
        response.end(JSON.stringify(told));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const configDir = join(folder, 'owner');
  mkdirSync(configDir, { mode: 0o700 });
  writeHome(configDir, {
    file: { v: 1, home: homeId, origin: `https://127.0.0.1:${port}`, spki: pins.spki, trial: true },
    operator: operator.secret,
    root: { v: 1, sealed: 'trial', secret: operator.secret },
    trust: home.trust,
  });
  const writ = (words: readonly string[], person: Person = {}): Promise<Ran> =>
    runWrit([...words, '--config', configDir], person);
  return Object.assign(control, {
    repo,
    configDir,
    home,
    edit: (path: string, text: string) => writeFileSync(join(repo, path), text),
    writ,
    deploy: (...words: string[]) => writ(['deploy', '--repo', repo, '--yes', '--wait', ...words]),
  });
}
