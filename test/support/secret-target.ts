import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planSecrets } from '../../relay/deploy/secrets/secrets-plan.ts';
import { type SecretPlaces, secretsProgram } from '../../relay/deploy/secrets/secrets-program.ts';
import { canonicalJson } from '../../schema/wire/canonical.ts';
import type { ReleasePart } from '../../schema/wire/release.ts';
import { encryptSecret } from '../../src/cli/secrets/age.ts';

/** What the program of secrets needs and this machine lacks; null where it can run. */
export function whyNoSecretTarget(): string | null {
  if (process.platform !== 'linux') return 'Linux, for secrets on a target';
  if (!existsSync('/dev/shm')) return '/dev/shm, for secrets on a target';
  const lacking = ['age', 'flock'].filter((program) => spawnSync('/usr/bin/which', [program]).status !== 0);
  return lacking.length === 0 ? null : `${lacking.join(', ')}, for secrets on a target`;
}

export type Said = { readonly code: number; readonly out: Buffer; readonly err: string };

type Secret = ReleasePart['apps'][number]['secrets'][number];

/** Folders that stand for a target's, and the program as a target runs it. */
export type SecretTarget = {
  readonly places: SecretPlaces;
  run(
    words: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string },
  ): Promise<Said>;
  /** Keeps bytes among the blobs; their digest. */
  keep(bytes: Uint8Array): string;
  /** A secret of a value, encrypted to the target or to somebody else. */
  secret(name: string, value: string | Uint8Array, to?: string): Promise<Secret>;
  /** Writes the table of a part with these secrets and files, whose text has placeholders; says where it is. */
  table(
    secrets: readonly Secret[],
    files?: Readonly<Record<string, string>>,
    how?: { readonly mode?: string; readonly installed?: boolean },
  ): Promise<string>;
  /** What a file was filled in with. */
  filled(path: string): string;
};

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @param sh the shell that the program runs in */
export function makeSecretTarget(t: { after(work: () => void): void }, sh = '/bin/sh'): SecretTarget {
  const home = mkdtempSync(join(tmpdir(), 'writ-target-'));
  const run = mkdtempSync('/dev/shm/writ-target-');
  t.after(() => {
    for (const folder of [home, run]) rmSync(folder, { recursive: true, force: true });
  });
  const places = { home, run, program: join(home, 'program') };
  mkdirSync(join(home, 'blobs'));
  const program = secretsProgram(places);
  writeFileSync(places.program, program, { mode: 0o755 });
  const target: SecretTarget = {
    places,
    run: (words, { env = {}, stdin = '' } = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(sh, ['-c', program, 'writ-secrets', ...words], { env: { ...env } });
        const out: Buffer[] = [];
        let err = '';
        child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
        child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
        child.stdin.on('error', () => {});
        child.stdin.end(stdin);
        child.on('error', reject);
        child.on('close', (code) => resolve({ code: code ?? -1, out: Buffer.concat(out), err }));
      }),
    keep(bytes) {
      const hex = digestOf(bytes);
      writeFileSync(join(home, 'blobs', hex), bytes);
      return `sha256:${hex}`;
    },
    async secret(name, value, to) {
      const made = await target.run(['identity', 'make']);
      const recipient = to ?? made.out.toString().trim();
      const bytes = await encryptSecret(Buffer.from(value), [recipient]);
      if (!bytes.ok) throw new Error(bytes.reason);
      return { name, digest: target.keep(bytes.value) };
    },
    async table(secrets, files = {}, { mode = '0640', installed = true } = {}) {
      const owner = `${process.getuid!()}:${process.getgid!()}`;
      const part = {
        target: 'here',
        apps: [{ name: 'app', secrets }],
        files: Object.entries(files).map(([path, text]) => ({
          ...{ path, app: 'app', kind: 'file', manage: 'exact', mode, owner, on_change: 'restart' },
          ...{ digest: target.keep(Buffer.from(text)), size: text.length },
          secrets: [...new Set([...text.matchAll(/~writ:secret:([\w.-]+)~/g)].map(([, name]) => name))],
        })),
      } as unknown as ReleasePart;
      const plan = await planSecrets(part);
      if (!plan.ok) throw new Error(`${plan.reason}: ${plan.detail} ${canonicalJson(secrets)}`);
      const text = plan.value.own.get(plan.value.table!)!;
      const path = join(home, installed ? 'secrets' : 'secrets.new');
      writeFileSync(path, text);
      return path;
    },
    filled: (path) => readFileSync(join(run, 'files', path), 'utf8'),
  };
  return target;
}
