import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeServerCertificate } from './proxmox/certificate.ts';
import type { Tree } from './repo-fixture.ts';
import { appsWithSecrets, makeSecretsDesk } from './secrets-desk.ts';

type Reports = readonly { readonly relay: string; readonly report: string }[];

/** An owner's computer whose control plane answers as the test says. */
export async function makeAskingDesk(t: { after(work: () => unknown): void }, tree: Tree = appsWithSecrets) {
  let reports: Reports = [];
  const { certPem, keyPem, pins } = await makeServerCertificate('control plane');
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    if (request.url?.startsWith('/v1/trust')) return void response.end('{"versions":[]}');
    if (request.url === '/v1/relays/reports') return void response.end(JSON.stringify({ reports }));
    response.writeHead(500);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const api = { origin: `https://127.0.0.1:${port}`, spki: pins.spki };
  const desk = await makeSecretsDesk(t, tree, api);
  const ask = async (answer: Reports, ...words: string[]) => {
    reports = answer;
    return desk.writ(['secrets', 'recipients', ...words]);
  };
  return { desk, ask };
}
