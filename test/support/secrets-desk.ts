import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signJws } from '../../schema/jose/jws.ts';
import { generateKey, type SigningKey } from '../../schema/jose/keys.ts';
import type { Report } from '../../schema/wire/report.ts';
import { writeHome } from '../../src/cli/home.ts';
import { decryptAge, makeIdentity } from '../../src/cli/secrets/age.ts';
import { type Fixture, homeId, makeFixture, now } from '../src/cli/home-fixture.ts';
import { type Person, type Ran, runWrit } from '../src/cli/terminal-fixture.ts';
import { smallHome, type Tree, writeTree } from './repo-fixture.ts';

export type KeyPair = { readonly identity: string; readonly recipient: string };

/** A report of a relay, as it signs it. */
export const reportBy = (key: SigningKey, more: Partial<Report>): Promise<string> =>
  signJws(
    'report',
    {
      home: homeId,
      relay: 'pve1',
      seq: 1,
      time: now,
      boot: 'boot',
      uptime_ms: 1,
      version: '0.1.0',
      protocol: 1,
      trust_version: 2,
      clock_synchronised: true,
      proxmox: 'ok',
      guests: {},
      progress: [],
      refused: { count: 0, code: null },
      ...more,
    } satisfies Report,
    key,
  );

/** An app on two machines with a secret each, and one that both have. */
export const appsWithSecrets: Tree = {
  ...smallHome,
  'apps/db/app.yaml': 'on: secsvcs\nsecrets: [db_password, shared_token]\n',
  'apps/web/app.yaml': `${smallHome['apps/web/app.yaml']}secrets: [shared_token]\n`,
};

/** An owner's computer with a repo, trust, and machines that have made their identities. */
export type SecretsDesk = {
  readonly fixture: Fixture;
  readonly config: string;
  readonly repo: string;
  /** The owner's own key, whose identity lies in `ownerFile`. */
  readonly owner: KeyPair;
  readonly ownerFile: string;
  readonly machines: Readonly<Record<'secsvcs' | 'websvcs', KeyPair>>;
  writ(words: readonly string[], person?: Person): Promise<Ran>;
  read(path: string): Uint8Array<ArrayBuffer>;
  write(path: string, content: string | Uint8Array): void;
  /** Every path of the repo, sorted. */
  paths(): string[];
  open(path: string, key: KeyPair): Promise<string>;
  /** The report of a machine's relay that tells its recipient. */
  reportOf(machine: 'secsvcs' | 'websvcs', more?: Partial<Report>): Promise<string>;
  /** Lets the CLI take the recipients of both machines, and the owner's. */
  admit(): Promise<void>;
};

type Test = { after(work: () => void): void };

/** @param api where its control plane is; there is none unless said */
export async function makeSecretsDesk(
  t: Test,
  tree: Tree = appsWithSecrets,
  api: { readonly origin: string; readonly spki: string | null } = {
    origin: 'https://127.0.0.1:9',
    spki: null,
  },
): Promise<SecretsDesk> {
  const fixture = await makeFixture();
  const folder = mkdtempSync(join(tmpdir(), 'writ-secrets-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'config');
  mkdirSync(config, { mode: 0o700 });
  const operator = await generateKey();
  writeHome(config, {
    file: { v: 1, home: homeId, ...api, trial: true },
    operator: operator.secret,
    root: { v: 1, sealed: 'trial', secret: operator.secret },
    trust: fixture.trust,
  });
  const repo = writeTree(t, tree);
  const [owner, secsvcs, websvcs] = await Promise.all(
    ['classic', 'classic', 'classic'].map((kind) => makeIdentity(kind as 'classic')),
  );
  const ownerFile = join(folder, 'owner.txt');
  writeFileSync(ownerFile, `# test key\n${owner!.identity}\n`, { mode: 0o600 });
  const machines = { secsvcs: secsvcs!, websvcs: websvcs! };
  const desk: SecretsDesk = {
    fixture,
    config,
    repo,
    owner: owner!,
    ownerFile,
    machines,
    writ: (words, person) => runWrit([...words, '--repo', repo, '--config', config], person),
    read: (path) => new Uint8Array(readFileSync(join(repo, path))),
    write(path, content) {
      mkdirSync(join(repo, path, '..'), { recursive: true });
      writeFileSync(join(repo, path), content);
    },
    paths: () =>
      readdirSync(repo, { recursive: true, encoding: 'utf8' })
        .filter((path) => statSync(join(repo, path)).isFile())
        .sort(),
    async open(path, key) {
      const opened = await decryptAge(desk.read(path), [{ identity: key.identity }]);
      if (!opened.ok) throw new Error(`${path}: ${opened.reason}`);
      return new TextDecoder().decode(opened.value);
    },
    reportOf: (machine, more) => {
      const relay = machine === 'secsvcs' ? 'pve1' : 'pve2';
      const recipients = { [machine]: machines[machine].recipient };
      return reportBy(fixture.relays[relay], { relay, seq: 5, recipients, ...more });
    },
    async admit() {
      const files = await Promise.all(
        (['secsvcs', 'websvcs'] as const).map(async (machine) => {
          const file = join(folder, `${machine}.jws`);
          writeFileSync(file, `${await desk.reportOf(machine)}\n`);
          return file;
        }),
      );
      const words = files.flatMap((file) => ['--report', file]);
      const ran = await desk.writ(['secrets', 'recipients', '--owner', owner!.recipient, ...words]);
      if (ran.exit !== 0) throw new Error(ran.err);
    },
  };
  return desk;
}

/** An editor that does what a script says with its file, `$1`; to be named in `EDITOR`. */
export function makeEditor(t: Test, script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-editor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'my editor');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return `"${path}"`;
}
