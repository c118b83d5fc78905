import type { ReleaseAuthority, ReleaseCert, ReleasePart } from '../../../schema/wire/release.ts';
import { unitsOf } from '../units.ts';

/** A certificate that an app of a target is to have. */
export type LeafWant = {
  readonly app: string;
  readonly cert: ReleaseCert;
  /** Those that use it, as systemd calls them. */
  readonly services: readonly string[];
};

/** What a part wants of the private CA. */
export type LeafWants = {
  readonly authority: ReleaseAuthority | null;
  readonly leaves: readonly LeafWant[];
};

export const wantsOf = (part: ReleasePart): LeafWants => ({
  authority: part.authority ?? null,
  leaves: part.apps.flatMap((app) =>
    app.certs.map((cert) => ({
      app: app.name,
      cert,
      services: unitsOf({ ...part, apps: [app] })
        .filter(({ kind }) => kind === 'run')
        .map(({ service }) => service),
    })),
  ),
});

/** A file of a certificate, as it is to be. */
export type LeafFile = {
  readonly role: 'key' | 'ca' | 'cert';
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
};

/** The certificate last: it alone changes when it is renewed. */
export const filesOfLeaf = ({ cert }: LeafWant): LeafFile[] => [
  { role: 'key', path: cert.key, mode: cert.mode, owner: cert.owner },
  ...(cert.ca === undefined ? [] : [{ role: 'ca', path: cert.ca, mode: '0644', owner: cert.owner } as const]),
  { role: 'cert', path: cert.cert, mode: '0644', owner: cert.owner },
];
