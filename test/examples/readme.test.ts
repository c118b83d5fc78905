import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { shellLines } from '../support/doc-lines.ts';
import { exampleFolder } from './example.ts';

const page = readFileSync(join(exampleFolder, 'README.md'), 'utf8');
const main = join(import.meta.dirname, '../../src/cli/main.ts');

test('what the page lets a reader type does what it says', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-readme-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(exampleFolder, join(folder, 'examples/homelab'), { recursive: true });
  const type = (line: string): string => {
    const [program, ...words] = line.split(' ');
    assert.equal(program, 'writ');
    const ran = spawnSync(process.execPath, [main, ...words], { cwd: folder, encoding: 'utf8' });
    assert.equal(ran.status, 0, `${line}\n${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  };
  const [check, build, newApp, ...none] = shellLines(page);
  assert.deepEqual(none, []);
  assert.match(type(check!), /^No errors: \d+ apps on 9 machines, sha256:/m);
  assert.match(type(build!), /^secsvcs +\d+ apps/m);
  type(newApp!);
  const plan = /^After the third, `(writ plan [^`]+)`/m.exec(page)![1]!;
  const told = type(plan);
  assert.match(told, /^ {4}start wiki\.service$/m);
  assert.match(told, /^ {2}new public route wiki\.example\.net /m);
});

test('what the page names is there', () => {
  const named = [...page.matchAll(/\]\(([^):]+)\)/g)].map(([, path]) => path!);
  assert.ok(named.length >= 20);
  for (const path of named) assert.ok(existsSync(join(exampleFolder, path)), path);
});
