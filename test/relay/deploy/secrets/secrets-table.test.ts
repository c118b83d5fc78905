import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSecrets } from '../../../../relay/deploy/secrets/secrets.ts';
import { planSecrets } from '../../../../relay/deploy/secrets/secrets-plan.ts';
import { secretsTable } from '../../../../relay/deploy/secrets/secrets-table.ts';
import type { Machine } from '../../../../relay/machine/machine.ts';
import { ok } from '../../../../schema/result.ts';
import type { ReleaseFile, ReleasePart } from '../../../../schema/wire/release.ts';

type Secret = ReleasePart['apps'][number]['secrets'][number];

const hash = (letter: string): string => `sha256:${letter.repeat(64)}`;
const set = (name: string, letter = 'a'): Secret => ({ name, digest: hash(letter) });
const made = (name: string, as: string, from: string[], pattern?: string): Secret => ({
  name,
  derived: { from, as, ...(pattern !== undefined && { pattern }) },
});
const file = (more: Partial<ReleaseFile> = {}): ReleaseFile => ({
  ...{ path: '/etc/opt/a b/x', app: 'a', digest: hash('f'), size: 1, mode: '0640', owner: '0:33' },
  ...{ on_change: 'restart', manage: 'exact', kind: 'file', secrets: ['one'], ...more },
});
const part = (apps: readonly (readonly Secret[])[], files: readonly ReleaseFile[] = []): ReleasePart =>
  ({
    target: 't',
    apps: apps.map((secrets, index) => ({ name: `a${index}`, secrets })),
    files,
  }) as unknown as ReleasePart;
const reasonOf = async (...given: Parameters<typeof part>): Promise<string> => {
  const table = await secretsTable(part(...given));
  return table.ok ? 'none' : table.reason;
};

test('a table says what each secret is and which files are filled in', async () => {
  const table = await secretsTable(
    part(
      [
        [set('one'), made('url', 'text', ['one', 'two'], 'a:<<one>>@<<two>>'), set('two', 'b')],
        [set('one'), made('coded', 'base64', ['url'])],
      ],
      [file()],
    ),
  );
  assert.deepEqual(table.ok && table.value?.split('\n'), [
    'secret\tcoded\tbase64\turl',
    `secret\tone\tage\t${'a'.repeat(64)}`,
    `secret\ttwo\tage\t${'b'.repeat(64)}`,
    `secret\turl\ttext\t${btoa('a:~writ:secret:one~@~writ:secret:two~')}`,
    `file\t0640\t0:33\t${'f'.repeat(64)}\t/etc/opt/a b/x`,
    '',
  ]);
  assert.deepEqual(await secretsTable(part([[]], [file({ secrets: [] })])), { ok: true, value: null });
});

test('a salt is of what it salts: name and value', async () => {
  const saltOf = async (name: string, letter: string): Promise<string> => {
    const table = await secretsTable(part([[set('one', letter), made(name, 'pbkdf2-sha512', ['one'])]]));
    assert.ok(table.ok);
    return /pbkdf2-sha512\tone\t([0-9a-f]{32})$/m.exec(table.value!)![1]!;
  };
  const first = await saltOf('h', 'a');
  assert.equal(await saltOf('h', 'a'), first);
  assert.equal(new Set([first, await saltOf('h', 'b'), await saltOf('g', 'a')]).size, 3);
  const bcrypt = await secretsTable(part([[set('one'), made('h', 'bcrypt', ['one'])]]));
  assert.match(
    (bcrypt.ok && bcrypt.value) || '',
    /^secret\th\tbcrypt\tone\t\$2y\$10\$[./A-Za-z0-9]{21}[.Oeu]$/m,
  );
});

test('what no target could have is refused before anything is brought there', async () => {
  assert.equal(await reasonOf([[{ name: 'one' }]]), 'secret_missing');
  assert.equal(await reasonOf([[made('h', 'base64', ['one'])]]), 'secret_missing');
  assert.equal(await reasonOf([[set('two')]], [file()]), 'secret_missing');
  assert.equal(await reasonOf([[made('a', 'base64', ['b']), made('b', 'base64', ['a'])]]), 'secret_circular');
  assert.equal(await reasonOf([[made('a', 'text', ['a'], '<<a>>')]]), 'secret_circular');
  const two = made('h', 'base64', ['one']);
  assert.equal(await reasonOf([[set('one'), two], [made('h', 'bcrypt', ['one'])]]), 'secret_ambiguous');
  assert.equal(await reasonOf([[set('one'), two], [{ name: 'h' }]]), 'none', 'it only takes it');
  assert.equal(await reasonOf([[{ name: 'h' }], [set('one'), two]]), 'none');
  assert.equal(await reasonOf([[set('one'), made('h', 'argon2id', ['one'])]]), 'derived_unknown');
  for (const more of [{ kind: 'unit' }, { manage: 'seed' }, { volume: 'v' }] as const) {
    assert.equal(await reasonOf([[set('one')]], [file(more)]), 'secret_misplaced', JSON.stringify(more));
  }
});

test('what Writ adds for secrets is root’s, of no app, and in no part without secrets', async () => {
  const plain = part([[]], [file({ secrets: [] })]);
  const none = await planSecrets(plain);
  assert.ok(none.ok && none.value.part === plain && none.value.table === null && none.value.own.size === 0);
  const plan = await planSecrets(part([[set('one')]], [file()]));
  assert.ok(plan.ok);
  const [, ...own] = plan.value.part.files;
  assert.deepEqual(
    own.map(({ path, mode, owner, app, on_change }) => [path, mode, owner, app, on_change].join(' ')),
    [
      '/var/lib/writ-target/secrets 0600 root:root  none',
      '/usr/lib/writ-target/secrets 0755 root:root  none',
      '/etc/systemd/system/writ-secrets.service 0644 root:root  none',
      '/etc/systemd/system/sysinit.target.d/50-writ-secrets.conf 0644 root:root  none',
    ],
  );
  assert.deepEqual([...plan.value.needs].sort(), [hash('a'), hash('f')]);
  assert.deepEqual(
    own.map(({ digest, size }) => plan.value.own.get(digest)?.length === size),
    [true, true, true, true],
  );
});

test('a target’s word is read with care', async () => {
  const say = async (code: number, stderr: string) => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const machine = {
      name: 'there',
      run: async () => ok({ code, stdout: bytes('out'), stderr: bytes(stderr) }),
    } as unknown as Machine;
    const said = await runSecrets(machine, 'check', 'x');
    return said.ok ? said.value : [said.reason, said.detail];
  };
  assert.equal(await say(0, 'writ age_missing no'), 'out');
  assert.deepEqual(await say(1, 'age: error\nwrit age_missing there is none\n'), [
    'age_missing',
    'there: there is none',
  ]);
  assert.deepEqual(await say(1, 'writ succeeded \u001b[2J'), ['secrets_failed', 'there: it ended with 1']);
  assert.deepEqual(await say(2, ''), ['secrets_failed', 'there: it ended with 2']);
  const [, detail] = (await say(1, `writ secret_missing \u001b[2J${'x'.repeat(1000)}`)) as string[];
  assert.match(detail!, /^there: \?\[2Jx{296}$/);
});

test('threat 7: what is made of itself under another name, or of nothing, is refused', async () => {
  const loop = made('s', 'text', [], '<<s>>');
  assert.equal(await reasonOf([[loop]]), 'secret_missing');
  assert.equal(await reasonOf([[made('s', 'text', [], '~writ:secret:s~')]]), 'secret_missing');
  const wide = [set('one'), made('s', 'text', ['one'], '<<u>>'), made('u', 'text', ['one'], '<<s>>')];
  assert.equal(await reasonOf([wide]), 'secret_missing');
  assert.equal(await reasonOf([[made('s', 'base64', [])]]), 'secret_missing');
  assert.equal(await reasonOf([[made('s', 'text', [], 'no place')]]), 'none');
});
