import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import { ok, type Result } from '../../../schema/result.ts';
import type { ReleaseFile, ReleasePart } from '../../../schema/wire/release.ts';
import { secretPlaces, secretsProgram } from './secrets-program.ts';
import { isFilledIn, type SecretsRefusal, secretsTable } from './secrets-table.ts';

/** What a part's secrets ask of its target. */
export type SecretPlan = {
  /** The part with files of Writ's own: the table, the program, and what runs it at boot. */
  readonly part: ReleasePart;
  /** Bytes of those, by digest. */
  readonly own: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Bytes that the program reads, by digest: encrypted secrets and files with placeholders. */
  readonly needs: readonly string[];
  /** Digest of the table; null for a part without secrets. */
  readonly table: string | null;
};

export const tablePath = `${secretPlaces.home}/secrets`;

const head = '# Made by Writ, which writes it anew with each release; what is changed here is lost.';

/**
 * Before sysinit.target, after which every service starts that does not say otherwise: native units need not know of it.
 * Where it fails, what it would have filled in is not there, and the apps that need it do not start.
 */
const service = `${head}
[Unit]
Description=Secrets for the apps of Writ
DefaultDependencies=no
RequiresMountsFor=${secretPlaces.home} /usr /var/lib/containers
After=local-fs.target systemd-tmpfiles-setup.service
Before=sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${secretPlaces.program} boot
`;

const wanted = `${head}
[Unit]
Wants=writ-secrets.service
After=writ-secrets.service
`;

const ownFiles = (table: string): readonly { path: string; mode: string; text: string }[] => [
  { path: tablePath, mode: '0600', text: table },
  { path: secretPlaces.program, mode: '0755', text: secretsProgram() },
  { path: '/etc/systemd/system/writ-secrets.service', mode: '0644', text: service },
  { path: '/etc/systemd/system/sysinit.target.d/50-writ-secrets.conf', mode: '0644', text: wanted },
];

/** What Writ itself puts there beside a release is of no app, as nothing in a release can be. */
const ofNoApp = '';

/** A part as it was released: nobody has to be granted what Writ itself puts there, or takes away again. */
export const withoutSecretFiles = (part: ReleasePart): ReleasePart => ({
  ...part,
  files: part.files.filter(({ app }) => app !== ofNoApp),
});

/** A part that is in force, with the files that its secrets need. */
export async function withSecretFiles(part: ReleasePart): Promise<ReleasePart> {
  const plan = await planSecrets(part);
  return plan.ok ? plan.value.part : part;
}

/** Says what a part's secrets need on the target; or why no target could have them. */
export async function planSecrets(part: ReleasePart): Promise<Result<SecretPlan, SecretsRefusal>> {
  const table = await secretsTable(part);
  if (!table.ok) return table;
  if (table.value === null) return ok({ part, own: new Map(), needs: [], table: null });
  const own = new Map<string, Uint8Array<ArrayBuffer>>();
  const files: ReleaseFile[] = [];
  for (const { path, mode, text } of ownFiles(table.value)) {
    const bytes = toBytes(text);
    const digest = await digestBytes(bytes);
    own.set(digest, bytes);
    files.push({
      ...{ path, digest, mode, size: bytes.length },
      // Of no app: its changes restart nothing.
      ...{ app: ofNoApp, owner: 'root:root', on_change: 'none', manage: 'exact', kind: 'file' },
    });
  }
  const needs = new Set([
    ...part.apps.flatMap(({ secrets }) =>
      secrets.flatMap(({ digest }) => (digest === undefined ? [] : [digest])),
    ),
    ...part.files.filter(isFilledIn).map(({ digest }) => digest),
  ]);
  return ok({
    part: { ...part, files: [...part.files, ...files] },
    own,
    needs: [...needs],
    table: files[0]!.digest,
  });
}
