import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { quadletCodes } from '../../schema/quadlet/codes.ts';
import { configCodes } from '../../src/config/codes.ts';
import { sectionOf, shellLines } from '../support/doc-lines.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
const run = promisify(execFile);

/** The files that a section shows: blocks whose first line is a comment with their path. */
const filesOf = (heading: string): (readonly [path: string, text: string])[] =>
  [
    ...sectionOf(page, heading).matchAll(/^```(?:yaml|jinja)\n(?:# (\S+)|\{# (\S+) #\})\n([\s\S]*?)^```/gm),
  ].map(([, yaml, jinja, text]) => [(yaml ?? jinja)!, text!]);

test('a reader who types the page gets what it says', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-docs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const repo = join(folder, 'repo');
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin/writ');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'src/cli/main.ts')}" "$@"\n`);
  chmodSync(program, 0o755);
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: join(folder, 'cache'),
  };
  const type = async (line: string): Promise<string> =>
    (await run('sh', ['-c', line], { cwd: repo, env, encoding: 'utf8' })).stdout;
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(repo, path)), { recursive: true });
    writeFileSync(join(repo, path), text);
  };

  const [homelab, ...more] = filesOf('From nothing');
  const [newApp, check, build, ...none] = shellLines(page, 'From nothing');
  assert.deepEqual([homelab![0], more.length, none], ['homelab.yaml', 2, []]);
  write(...homelab!);
  assert.match(await type(newApp!), /apps\/hello\/hello\.container/);
  for (const [path, text] of more) write(path, text);
  assert.match(await type(check!), /^No errors: 1 apps on 1 machines/);
  await type(build!);
  assert.equal(
    readFileSync(join(repo, 'out/websvcs/etc/opt/hello/index.html'), 'utf8'),
    '<h1>hello at hello.example.net</h1>\n',
  );

  const [change, text, markdown] = shellLines(page, 'What a change does');
  await type(change!);
  const plan = await type(text!);
  assert.match(plan, /^Risks\n {2}! hello\.example\.net becomes public, and no access rule guards it$/m);
  assert.match(await type(markdown!), /\*\*Look at this twice\*\*/);
});

test('every path of the page’s table is one that the reader of repos knows', async () => {
  const { knownInRepo } = await import('../../src/cli/repo-files.ts');
  const paths = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path!.split('/')[0]!);
  assert.ok(paths.length > 5);
  for (const path of paths.slice(0, 7)) assert.ok(knownInRepo.includes(path), path);
});

const findings = [
  '| code | meaning |',
  '| --- | --- |',
  ...Object.entries({ ...quadletCodes, ...configCodes, ...sharedCodes() })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`),
  '',
].join('\n');

/** Codes that both lists have: both meanings. */
function sharedCodes(): Record<string, string> {
  const quadlet: Readonly<Record<string, string>> = quadletCodes;
  return Object.fromEntries(
    Object.entries(configCodes).flatMap(([code, meaning]) =>
      Object.hasOwn(quadlet, code) ? [[code, `${meaning} In unit files: ${quadlet[code]}`]] : [],
    ),
  );
}

test('the page lists every code of a finding', () => {
  const heading = '## Findings\n\n';
  const at = page.indexOf(heading) + heading.length;
  if (process.env.WRIT_WRITE_DOCS === '1') {
    writeFileSync(join(root, 'docs/configuration.md'), page.slice(0, at) + findings);
    return;
  }
  assert.equal(
    page.slice(at),
    findings,
    'WRIT_WRITE_DOCS=1 node --test test/docs/configuration.test.ts writes it',
  );
});

test('every code that a source gives is in the list', () => {
  const known = new Set([...Object.keys(configCodes), ...Object.keys(quadletCodes)]);
  const paths = [
    ...globSync('src/config/{build,compile,generate,read,secrets,template}/**/*.ts', { cwd: root }),
    'src/cli/repo-files.ts',
    'src/cli/git.ts',
    'src/cli/template-renderer.ts',
  ];
  const used = new Map<string, string>();
  for (const path of paths) {
    const source = readFileSync(join(root, path), 'utf8');
    const given = [
      ...source.matchAll(/\bcode: '([a-z0-9_]+)'/g),
      ...source.matchAll(
        /\b(?:fault|tell|say|refused|stop|refuseTemplate)\([^'`;]*'([a-z]+(?:_[a-z0-9]+)+)',/g,
      ),
    ];
    for (const [, code] of given) used.set(code!, path);
  }
  assert.ok(used.size > 50, 'the sources were searched');
  assert.deepEqual(
    [...used].filter(([code]) => !known.has(code)),
    [],
  );
});
