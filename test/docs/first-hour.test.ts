import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];

function sources(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(folder, name)))
    .join('\n');
}

test('every code that docs/first-hour.md explains is one that a program tells', () => {
  const programs = ['schema', 'src', 'relay'].map(sources).join('\n');
  const rows = read('docs/first-hour.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| where') && !line.startsWith('| ---'));
  const codes = rows.flatMap((row) =>
    [...row.split('|')[2]!.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code!),
  );
  assert.ok(codes.length > 10);
  for (const code of codes) assert.match(programs, new RegExp(`'${code}'|\\b${code}: `), code);
});

/** The address of a heading as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

test('every link between the pages leads to a file, and to a heading where it names one', () => {
  for (const page of pages) {
    for (const [, link] of read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = link!.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(root, target)), `${page}: ${link}`);
      if (anchor === undefined) continue;
      const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
      assert.ok(headings.includes(anchor), `${page}: ${link}`);
    }
  }
});

test('README’s packages are made by a script that there is, under the names that it tells', () => {
  const [build] = shellLines(read('README.md'), 'Packages');
  const { scripts, version } = JSON.parse(read('package.json')) as {
    scripts: Record<string, string>;
    version: string;
  };
  for (const [, name] of build!.matchAll(/npm run (\S+)/g)) assert.ok(scripts[name!] !== undefined, name);
  assert.ok(read('README.md').includes(`dist/writ_${version}_amd64.deb`));
  assert.ok(read('README.md').includes(`writ-${version}.tgz`));
});
