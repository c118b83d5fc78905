import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { toBytes } from '../../../schema/jose/digest.ts';
import { addFiles } from '../../../src/cli/add-files.ts';

const bytes = (files: Readonly<Record<string, string>>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, toBytes(text)]));

function setUp(t: { after(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'writ-add-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'apps/there'), { recursive: true });
  writeFileSync(join(folder, 'apps/there/a'), 'old');
  writeFileSync(join(folder, 'homelab.yaml'), 'old');
  return folder;
}

const listed = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();

test('files come in beside what is there, and one takes another’s place', (t) => {
  const folder = setUp(t);
  addFiles(
    folder,
    bytes({ 'apps/new/deep/b': 'b', 'apps/there/c': 'c', 'homelab.yaml': 'new' }),
    new Set(['homelab.yaml']),
  );
  assert.deepEqual(listed(folder), [
    'apps',
    'apps/new',
    'apps/new/deep',
    'apps/new/deep/b',
    'apps/there',
    'apps/there/a',
    'apps/there/c',
    'homelab.yaml',
  ]);
  assert.equal(readFileSync(join(folder, 'homelab.yaml'), 'utf8'), 'new');
});

test('a name that is taken, or a folder that is a file, takes everything back', (t) => {
  const folder = setUp(t);
  const before = listed(folder);
  for (const last of ['apps/there/a', 'homelab.yaml/x']) {
    const files = bytes({ 'apps/new/deep/b': 'b', [last]: 'mine' });
    assert.throws(() => addFiles(folder, files, new Set()), /EEXIST|ENOTDIR/);
    assert.deepEqual(listed(folder), before, last);
  }
  assert.equal(readFileSync(join(folder, 'apps/there/a'), 'utf8'), 'old');
});
