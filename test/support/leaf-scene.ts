import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { openAuthority } from '../../relay/agent/authority.ts';
import { openLeafBook } from '../../relay/agent/leaf-book.ts';
import { createLeafKeeper, type LeafKeeper } from '../../relay/agent/leaf-keeper.ts';
import { activate } from '../../relay/deploy/activate.ts';
import { publicKeyOf } from '../../relay/deploy/leaves/leaf-issuer.ts';
import type { ReleaseCert, ReleasePart } from '../../schema/wire/release.ts';
import { type Permitted, permit } from '../../schema/x509/names.ts';
import { fromBase64 } from '../../schema/x509/pem.ts';
import { createMemoryDisk } from '../relay/agent/fixture.ts';
import { createMemoryMachine, type MemoryMachine } from './memory-machine.ts';
import { makeIntermediate, makeRoot } from './test-authority.ts';
import { makePart, type TestPart } from './test-part.ts';

export const dayMs = 86_400_000;

export const certOf = (more: Partial<ReleaseCert> = {}): ReleaseCert => ({
  name: 'tls',
  kind: 'server',
  names: ['web', 'websvcs'],
  cert: '/etc/opt/web/tls/cert.pem',
  key: '/etc/opt/web/tls/key.pem',
  ca: '/etc/opt/web/tls/ca.pem',
  owner: '472:472',
  mode: '0600',
  on_change: 'reload',
  ...more,
});

/** A relay's keeper of certificates, a target, and the root of a home. */
export type LeafScene = {
  readonly machine: MemoryMachine;
  readonly keeper: LeafKeeper;
  readonly disk: ReturnType<typeof createMemoryDisk>;
  readonly logged: string[];
  now: number;
  busy: boolean;
  synchronised: boolean;
  /** A web app with these certificates, under an intermediate for some names. */
  part(certs: readonly ReleaseCert[], more?: IntermediateWish): Promise<TestPart>;
  apply(part: TestPart): ReturnType<typeof activate>;
  /** Another run of the relay on the same folder. */
  restart(): Promise<void>;
  leaf(path?: string): X509Certificate;
};

type IntermediateWish = {
  readonly permitted?: Permitted;
  readonly days?: number;
  readonly foreign?: boolean;
  readonly authority?: ReleasePart['authority'] | null;
  readonly page?: string;
};

export async function openLeafScene(): Promise<LeafScene> {
  const machine = createMemoryMachine();
  const disk = createMemoryDisk();
  const logged: string[] = [];
  const log = {
    debug: () => {},
    info: (event: string) => void logged.push(event),
    warn: (event: string, about: object = {}) => void logged.push(`${event} ${JSON.stringify(about)}`),
    error: (event: string) => void logged.push(event),
  };
  const clock = { now: () => scene.now, synchronised: async () => scene.synchronised };
  const open = async (): Promise<LeafKeeper> =>
    createLeafKeeper({
      authority: await openAuthority({ disk, clock, log }),
      book: await openLeafBook({ disk, log }),
      clock,
      log,
      hold: () => (scene.busy ? null : () => {}),
    });
  const start = 1_760_000_000_000;
  const root = await makeRoot(start);
  const scene = {
    machine,
    disk,
    logged,
    now: start,
    busy: false,
    synchronised: true,
  } as unknown as LeafScene & {
    keeper: LeafKeeper;
  };
  scene.keeper = await open();
  const own = publicKeyOf(new TextDecoder().decode(disk.files.get('authority.pem')));
  const spki = fromBase64(own);
  assert.ok(spki.ok);
  return Object.assign(scene, {
    async restart() {
      scene.keeper = await open();
    },
    async part(certs: readonly ReleaseCert[], wish: IntermediateWish = {}) {
      const { permitted = permit(['websvcs', 'web']), days = 700, foreign = false, page = 'one' } = wish;
      const issuer = await makeIntermediate(root, permitted, {
        now: scene.now,
        days,
        ...(!foreign && { spki: spki.value }),
      });
      const authority =
        wish.authority === undefined ? { root: root.pem, issuer: issuer.pem } : (wish.authority ?? undefined);
      return makePart({
        files: {
          '/etc/containers/systemd/web.container': '[Container]\nImage=localhost/busy:1\n',
          '/etc/opt/web/index.html': page,
        },
        units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
        app: { certs: [...certs] },
        part: certs.length === 0 || authority === undefined ? {} : { authority },
      });
    },
    apply(part: TestPart) {
      return activate(
        {
          machine,
          clock: { uptimeMs: () => 0, sleep: async () => undefined },
          signal: new AbortController().signal,
          blob: async (digest) => ({ ok: true, value: part.blobs.get(digest) as Uint8Array<ArrayBuffer> }),
          progress: () => {},
          leaves: scene.keeper.port,
        },
        { part: part.part, bytes: part.blobs.get(part.digest)!, digest: part.digest },
      );
    },
    leaf: (path = '/etc/opt/web/tls/cert.pem') => new X509Certificate(machine.text(path)!),
  });
}
