import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePlan } from '../../../../src/config/plan/plan.ts';
import { buildTree, smallHome, type Tree } from '../../../support/repo-fixture.ts';

const yaml = smallHome['apps/web/app.yaml'] as string;

/** The app of the small home with more units, one of which another starts. */
const withJob = (units: string, more: Tree): Tree => ({
  ...smallHome,
  'apps/web/app.yaml': `${yaml.replace('[web.container,', `[web.container, ${units},`)}secrets: [pw]\n`,
  'secrets/websvcs/pw.age': 'one',
  ...more,
});
const service = '[Service]\nType=oneshot\nExecStart=/bin/true\n';
const timed = withJob('job.service, job.timer', {
  'apps/web/job.service': service,
  'apps/web/job.timer': '[Timer]\nOnCalendar=daily\n',
});

async function effectsOf(before: Tree, after: Tree): Promise<Record<string, string>> {
  const [old, now] = [await buildTree(before), await buildTree(after)];
  assert.ok(old.release && now.release, JSON.stringify([old.findings, now.findings]));
  const units = makePlan(old.release, now.release).targets.flatMap(({ apps }) =>
    apps.flatMap((app) => app.units),
  );
  return Object.fromEntries(units.map((unit) => [unit.service, unit.effect]));
}

const quiet = { 'web.service': 'untouched', 'webdata-volume.service': 'untouched' };

test('a deployment starts a timer, and never what the timer starts', async () => {
  assert.deepEqual(await effectsOf(smallHome, timed), {
    ...quiet,
    'job.timer': 'start',
    'job.service': 'untouched',
  });
  const changed = { ...timed, 'apps/web/job.service': service.replace('true', 'false') };
  assert.deepEqual(await effectsOf(timed, changed), {
    ...quiet,
    'job.timer': 'untouched',
    'job.service': 'untouched',
  });
  for (const more of [{ 'vars.yaml': 'colour: red\n' }, { 'secrets/websvcs/pw.age': 'two' }]) {
    const effects = await effectsOf(timed, { ...timed, ...more });
    assert.deepEqual([effects['web.service'], effects['job.service']], ['restart', 'untouched']);
  }
});

test('what a timer starts is stopped when it goes', async () => {
  const effects = await effectsOf(timed, smallHome);
  assert.deepEqual([effects['job.timer'], effects['job.service']], ['stop', 'stop']);
});

test('a container, a path, a socket, and a service of another name are known, too', async () => {
  const container = '[Container]\nImage=docker.io/library/busybox:1.37.0\n';
  const cases: readonly (readonly [units: string, files: Tree])[] = [
    ['job.container, job.timer', { 'job.container': container, 'job.timer': '[Timer]\nOnCalendar=daily\n' }],
    ['job.service, other.timer', { 'job.service': service, 'other.timer': '[Timer]\nUnit=job.service\n' }],
    ['job.service, job.path', { 'job.service': service, 'job.path': '[Path]\nPathExists=/x\n' }],
    ['job.service, at.socket', { 'job.service': service, 'at.socket': '[Socket]\nService=job.service\n' }],
  ];
  for (const [units, files] of cases) {
    const more = Object.fromEntries(Object.entries(files).map(([path, text]) => [`apps/web/${path}`, text]));
    const effects = await effectsOf(smallHome, withJob(units, more));
    assert.equal(effects['job.service'], 'untouched', units);
  }
});
