import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { targetStates } from '../../schema/api/deployments.ts';
import { commands } from '../../src/cli/commands.ts';
import { operatorGrants } from '../../src/cli/make-trust.ts';
import { exits } from '../../src/cli/outcome.ts';
import { startDesk } from '../support/deploy-desk.ts';
import { sectionOf, shellLines } from '../support/doc-lines.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/deploy.md'), 'utf8');

test('a reader who types the page gets what it says', async (t) => {
  const desk = await startDesk(t);
  const type = (line: string) => {
    const [program, ...words] = line.split(' ');
    assert.equal(program, 'writ');
    const ofRepo = ['deploy', 'plan'].includes(words[0]!) ? ['--repo', desk.repo] : [];
    return desk.writ([...words, ...ofRepo], { answers: ['y'] });
  };
  const [plan, dry, deploy, ...none] = shellLines(page, 'From the repo to the targets');
  assert.deepEqual(none, []);
  assert.match((await type(plan!)).out, /start web\.service/);
  assert.match((await type(dry!)).out, /Nothing was signed or uploaded/);
  const [, shown] = /\n\n```\n([\s\S]*?)^```/m.exec(sectionOf(page, 'From the repo to the targets'))!;
  assert.equal((await type(deploy!)).out, shown);

  desk.edit('vars.yaml', 'colour: red\n');
  desk.edit('apps/blog/blog.ini', 'title = two\n');
  const [target, app, ...more] = shellLines(page, 'A part of it');
  assert.deepEqual(more, []);
  assert.match((await type(app!)).err, /websvcs: only blog/);
  assert.match((await type(target!)).out, /^websvcs {2}deployed, healthy, synced$/m);

  const [targets, diff, deployments] = shellLines(page, 'What each state means');
  assert.match((await type(targets!)).out, /^websvcs {2}deployed, healthy, synced/m);
  assert.match((await type(diff!)).out, /^websvcs: as released/);
  assert.equal((await type(deployments!)).out.trimEnd().split('\n').length, 3);

  desk.ends.set('websvcs', { state: 'failed', code: 'service_failed', result: null });
  desk.edit('vars.yaml', 'colour: green\n');
  assert.equal((await type(deploy!)).exit, 1);
  desk.ends.delete('websvcs');
  const [retry] = shellLines(page, 'When it did not come up');
  assert.match((await type(retry!)).out, /^websvcs {2}deployed, healthy, synced$/m);

  const [history, rollback, to] = shellLines(page, 'Back to what ran before');
  assert.match((await type(history!)).out, /^0 .*\n.*rolled-back.*\n1 /m);
  assert.equal((await type(rollback!)).exit, 0);
  assert.equal((await type(to!)).exit, 0);
  assert.equal(desk.deployments.length, 7);
});

/** The first cells of the tables below a heading. */
const cells = (heading: string): string[] =>
  [...sectionOf(page, heading).matchAll(/^\| `?(\w[\w-]*)`? \|/gm)].map(([, cell]) => cell!);

test('the page tells every state and every exit code', () => {
  assert.deepEqual(cells('What each state means'), [
    'state',
    ...targetStates,
    'word',
    'deployed',
    'healthy',
    'synced',
  ]);
  assert.deepEqual(cells('For scripts'), ['code', ...Object.values(exits).map(String)]);
});

test('options and paths of the page are those that there are', () => {
  const known = new Set(commands.flatMap(({ options }) => Object.keys(options)).concat('json'));
  for (const [, option] of page.matchAll(/--([a-z][a-z-]+)/g)) assert.ok(known.has(option!), option);
  const house = {
    hosts: { a: { proxmox: false, sleeps: false } },
    guests: {},
  };
  const grant = operatorGrants(house).find(({ action }) => action === 'release.apply');
  const told = [...sectionOf(page, 'Which paths').matchAll(/`(\/[^`]+)`/g)].map(([, path]) => path);
  assert.deepEqual(told, grant?.paths);
});
