import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planSummary } from '../../../../src/config/plan/summary.ts';
import { smallHome } from '../../../support/repo-fixture.ts';
import { planOf } from './plan-of.ts';

test('a plan is told in a line for each target, with every risk', async () => {
  const yaml = smallHome['apps/web/app.yaml'] as string;
  const lines = planSummary(
    await planOf({ 'vars.yaml': 'colour: red\n', 'apps/web/app.yaml': yaml.replace(', access: admins', '') }),
  );
  assert.equal(lines[0], 'websvcs: restart web (1 file)');
  assert.ok(
    lines.some((line) => /^ {2}! www\.example\.net is no longer guarded by admins$/.test(line)),
    lines.join('\n'),
  );
  assert.deepEqual(planSummary(await planOf({})), ['Nothing changes.']);
});

test('many apps and facts are counted, and no risk is left out', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [
      [
        `apps/a${n}/app.yaml`,
        `on: websvcs\nunits: [a${n}.container]\nroute: { host: a${n}, port: 80${10 + n}, public: true }\n`,
      ],
      [
        `apps/a${n}/a${n}.container`,
        `[Container]\nImage=docker.io/library/a:1.${n}.0\nContainerName=a${n}\n`,
      ],
    ]).flat(),
  );
  const lines = planSummary(await planOf(many));
  assert.match(lines[0]!, /^websvcs: start a0, .*, 4 more \(12 files\); untouched: 1 app$/);
  assert.ok(lines.some((line) => /^ {2}… and \d+ more of routes, names, access and flows$/.test(line)));
  assert.equal(lines.filter((line) => /! a\d+\.example\.net is a new public name/.test(line)).length, 12);
});
