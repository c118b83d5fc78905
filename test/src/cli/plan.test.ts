import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ignoredByGit } from '../../../src/cli/git.ts';
import { smallHome, type Tree, writeTree } from '../../support/repo-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

/** A git repository with these files as its first commit. */
function writeGit(
  t: Parameters<typeof writeTree>[0],
  tree: Tree,
): { folder: string; git: (...words: string[]) => string } {
  const folder = writeTree(t, tree);
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example.net', ...words], {
      encoding: 'utf8',
    });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'first');
  return { folder, git };
}

const planOf = (repo: string, ...words: string[]) => runWrit(['plan', '--repo', repo, ...words]);

test('what is not committed is compared with the last commit, and nothing of git changes', async (t) => {
  const { folder, git } = writeGit(t, smallHome);
  assert.match((await planOf(folder)).out, /^Nothing changes: sha256:/);
  writeFileSync(join(folder, 'vars.yaml'), 'colour: red\n');
  const before = git('status', '--porcelain=v2');
  const ran = await planOf(folder);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /restart web\.service \(\/etc\/opt\/web\/web\.ini\)/);
  assert.match(ran.out, /-colour = blue\n\+colour = red/);
  assert.equal(git('status', '--porcelain=v2'), before);
  git('commit', '-qam', 'red');
  assert.match(
    (await planOf(folder, '--base', 'HEAD~1', '--format', 'markdown')).out,
    /^### `websvcs`\n\n- \*\*`web`\*\*: restart/,
  );
});

test('a repo in a folder of a larger one is compared by itself', async (t) => {
  const tree = Object.fromEntries(
    Object.entries(smallHome).map(([path, content]) => [`home/${path}`, content]),
  );
  const { folder } = writeGit(t, { ...tree, 'homelab.yaml': 'not: this\n' });
  assert.match((await planOf(join(folder, 'home'))).out, /^Nothing changes/);
});

test('git’s filters, attributes and links have no say', async (t) => {
  const { folder, git } = writeGit(t, {
    ...smallHome,
    '.gitattributes': 'motd export-ignore\n*.ini.j2 export-subst ident filter=evil\n',
  });
  git('config', 'filter.evil.smudge', 'touch evil');
  git('config', 'core.fsmonitor', 'touch evil');
  assert.match((await planOf(folder)).out, /^Nothing changes/);
  assert.ok(!existsSync(join(folder, 'evil')));
  symlinkSync('motd', join(folder, 'apps/web/link'));
  git('-c', 'core.fsmonitor=false', 'add', '-A');
  git('-c', 'core.fsmonitor=false', 'commit', '-qm', 'link');
  rmSync(join(folder, 'apps/web/link'));
  const ran = await planOf(folder);
  assert.equal(ran.exit, 1);
  assert.match(
    ran.out,
    /^apps\/web\/link:1:1: error: a link is not followed.*\n1 error\.\nThe repo at HEAD does not build, so there is no plan\.\n$/,
  );
});

test('an object that stands in for another hides no change', async (t) => {
  const { folder, git } = writeGit(t, smallHome);
  writeFileSync(join(folder, 'vars.yaml'), 'colour: red\n');
  git('replace', git('rev-parse', 'HEAD:vars.yaml').trim(), git('hash-object', '-w', 'vars.yaml').trim());
  assert.match((await planOf(folder)).out, /-colour = blue\n\+colour = red/);
});

test('asking what git ignores runs no program of the repository', async (t) => {
  const { folder, git } = writeGit(t, { ...smallHome, '.gitignore': '*.ini\n' });
  git('config', 'core.fsmonitor', 'touch evil');
  assert.deepEqual(await ignoredByGit(folder, ['apps/web/a.ini', 'apps/web/motd']), ['apps/web/a.ini']);
  assert.ok(!existsSync(join(folder, 'evil')));
});

test('a first homelab.yaml is all new', async (t) => {
  const { folder } = writeGit(t, { 'README.md': 'x' });
  for (const [path, content] of Object.entries(smallHome)) {
    execFileSync('mkdir', ['-p', join(folder, path, '..')]);
    writeFileSync(join(folder, path), content);
  }
  const ran = await planOf(folder);
  assert.equal(ran.exit, 0, ran.err);
  assert.match(ran.out, /start web\.service/);
  assert.match(ran.out, /nothing → sha256:/);
});

test('a release file is compared with as well', async (t) => {
  const repo = writeTree(t, smallHome);
  const file = join(repo, 'home.tar');
  assert.equal((await runWrit(['config', 'build', '--repo', repo, '--release', file])).exit, 0);
  assert.match((await planOf(repo, '--against', file)).out, /^Nothing changes/);
  writeFileSync(join(repo, 'vars.yaml'), 'colour: red\n');
  const json = await planOf(repo, '--against', file, '--json');
  const plan = JSON.parse(json.out) as { targets: { apps: { units: { effect: string }[] }[] }[] };
  assert.equal(plan.targets[0]!.apps[0]!.units[0]!.effect, 'restart');
  assert.equal((await planOf(repo, '--against', file, '--format', 'json')).out, json.out);
  writeFileSync(file, 'no tar');
  const bad = await planOf(repo, '--against', file);
  assert.equal(bad.exit, 2);
  assert.match(bad.err, /is no release: .*Nothing was compared\.\n\(release_invalid\)/);
});

test('what cannot be compared is told', async (t) => {
  const { folder } = writeGit(t, smallHome);
  for (const base of ['nope', '--output=/tmp/x', 'HEAD:vars.yaml', '']) {
    const ran = await planOf(folder, `--base=${base}`);
    assert.equal(ran.exit, 2, base);
    assert.match(ran.err, /Nothing was compared\.\n\(base_unreadable\)/, base);
  }
  assert.match(
    (await planOf(folder, '--format', 'html')).err,
    /The format is one of text, markdown, json, not html/,
  );
  assert.match(
    (await planOf(folder, '--base', 'HEAD', '--against', 'x')).err,
    /one of --base, --against and --live/,
  );
  const plain = writeTree(t, smallHome);
  assert.match((await planOf(plain)).err, /not a git repository/);
});
