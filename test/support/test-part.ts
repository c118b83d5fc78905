import { digestBytes, toBytes } from '../../schema/jose/digest.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { ReleaseApp, ReleasePart } from '../../schema/wire/release.ts';

/** A part of a release as a test makes it, with the bytes that it names. */
export type TestPart = {
  readonly part: ReleasePart;
  readonly digest: string;
  /** By digest, the part's own among them. */
  readonly blobs: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
};

export type PartDraft = {
  readonly target?: string;
  readonly relay?: string;
  /** Text by path. */
  readonly files?: Readonly<Record<string, string>>;
  readonly units?: ReleaseApp['units'];
  readonly app?: Partial<ReleaseApp>;
  readonly part?: Partial<ReleasePart>;
  /** Changes each file. */
  readonly file?: Partial<ReleasePart['files'][number]>;
};

const emptyApp: ReleaseApp = {
  name: 'web',
  units: [],
  secrets: [],
  after: [],
  dirs: [],
  prune: [],
  ports: [],
  certs: [],
  packages: [],
  apt: [],
  artifacts: [],
  users: [],
  databases: [],
  clients: [],
  commands: [],
};

/** One app, `web`, on `websvcs` by pve2. Files in the folders of units are units. */
export async function makePart(draft: PartDraft = {}): Promise<TestPart> {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const keep = async (text: string): Promise<string> => {
    const bytes = toBytes(text);
    const digest = await digestBytes(bytes);
    blobs.set(digest, bytes);
    return digest;
  };
  const files: ReleasePart['files'] = [];
  for (const [path, text] of Object.entries(draft.files ?? {})) {
    const isUnit = /^\/etc\/(containers\/systemd|systemd\/system)\//.test(path);
    files.push({
      path,
      app: 'web',
      digest: await keep(text),
      size: toBytes(text).length,
      mode: '0644',
      owner: 'root:root',
      on_change: 'restart',
      manage: 'exact',
      kind: isUnit ? 'unit' : 'file',
      ...draft.file,
    });
  }
  const part: ReleasePart = {
    target: draft.target ?? 'websvcs',
    relay: draft.relay ?? 'pve2',
    apps: [{ ...emptyApp, units: draft.units ?? [], ...draft.app }],
    files,
    ...draft.part,
  };
  return { part, digest: await keep(canonicalJson(part)), blobs };
}

/** A web app: a container that restarts when its page changes. */
export const webPart = (page: string, unit = '[Container]\nImage=localhost/busy:1\n'): Promise<TestPart> =>
  makePart({
    files: { '/etc/containers/systemd/web.container': unit, '/etc/opt/web/index.html': page },
    units: [{ service: 'web.service', files: ['web.container'], kind: 'run' }],
  });
