import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readArchive } from '../../../../src/config/adopt/archive.ts';

const long = `${'deep/'.repeat(40)}${'x'.repeat(120)}.conf`;

/** An archive that the system's own tar makes. */
function makeArchive(
  t: { after(work: () => void): void },
  options: readonly string[],
): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-tar-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files: Readonly<Record<string, string>> = {
    'etc/a.conf': 'a\n',
    'etc/empty': '',
    'etc/block': 'x'.repeat(1024),
    'etc/naïve ünit': 'ü\n',
    [long]: 'long\n',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  symlinkSync('a.conf', join(folder, 'etc/link'));
  linkSync(join(folder, 'etc/a.conf'), join(folder, 'etc/b.conf'));
  execFileSync('mkfifo', [join(folder, 'etc/pipe')]);
  mkdirSync(join(folder, 'etc/none'));
  const out = join(folder, 'out.tar');
  execFileSync('tar', [...options, '-C', folder, '-cf', out, 'etc', 'deep']);
  return new Uint8Array(readFileSync(out));
}

for (const format of ['gnu', 'pax', 'ustar']) {
  test(`what tar --format=${format} writes is read with owners, modes and long names`, (t) => {
    const owners = ['--owner=:472', '--group=:33', '--mode=0640', '--sort=name'];
    const exclude = format === 'ustar' ? ['--exclude=deep'] : [];
    const read = readArchive(makeArchive(t, [`--format=${format}`, ...owners, ...exclude]));
    assert.ok(read.ok, read.ok ? '' : read.detail);
    const entries = new Map(read.value.map((entry) => [entry.path, entry]));
    const told = [...entries.values()].map((entry) =>
      entry.kind === 'file'
        ? `${entry.path} 0${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${entry.bytes.length}`
        : `${entry.path} ${entry.kind === 'left' ? entry.code : 'folder'}`,
    );
    const files = told.filter((one) => !one.startsWith('deep') || one.endsWith('5'));
    assert.deepEqual(files.sort(), [
      ...(exclude.length > 0 ? [] : [`${long} 0640 472:33 5`]),
      'etc folder',
      'etc/a.conf 0640 472:33 2',
      'etc/b.conf 0640 472:33 2',
      'etc/block 0640 472:33 1024',
      'etc/empty 0640 472:33 0',
      'etc/link link',
      'etc/naïve ünit 0640 472:33 3',
      'etc/none folder',
      'etc/pipe no_file',
    ]);
    const link = entries.get('etc/link');
    assert.ok(link?.kind === 'left');
    assert.match(link.message, /a\.conf/);
  });
}

test('uids that octal digits cannot hold are read', (t) => {
  const read = readArchive(makeArchive(t, ['--format=gnu', '--owner=:4294967294', '--group=:3000000']));
  assert.ok(read.ok);
  const entry = read.value.find(({ path }) => path === 'etc/empty');
  assert.ok(entry?.kind === 'file');
  assert.deepEqual([entry.uid, entry.gid], [4294967294, 3000000]);
});

test('names that lead out are told, and a cut or changed archive is refused', (t) => {
  const bytes = makeArchive(t, ['--format=gnu', '--sort=name', '--transform=s,etc/block,../block,']);
  const read = readArchive(bytes);
  assert.ok(read.ok);
  assert.deepEqual(
    read.value.flatMap((entry) => (entry.path.includes('..') && entry.kind === 'left' ? [entry.code] : [])),
    ['bad_name'],
  );
  for (const broken of [bytes.slice(0, 1000), bytes.slice(0, 3000), new Uint8Array(0), bytes.slice(100)]) {
    const refused = readArchive(broken);
    assert.deepEqual([refused.ok, !refused.ok && refused.reason], [false, 'archive_invalid']);
  }
});

test('no bytes make the reader throw', (t) => {
  const bytes = makeArchive(t, ['--format=pax']);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
      const changed = bytes.slice(0, length);
      changed[at] = value;
      readArchive(changed);
    }),
    { numRuns: 300 },
  );
});
