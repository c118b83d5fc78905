import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { missing } from '../support/missing.ts';
import { accessCases } from './access-cases.ts';
import { approvalCases } from './approval-cases.ts';
import type { Case } from './case.ts';
import { githubCases } from './github-cases.ts';
import { lifeCases } from './life-cases.ts';
import { orderCases } from './order-cases.ts';
import { relayCases } from './relay-cases.ts';
import { releaseCases } from './release-cases.ts';
import { makeStage, type Stage } from './stage.ts';
import { type Subject, startOnNode } from './subject.ts';
import { missingForWorkerd, startOnWorkerd } from './workerd.ts';

const cases: readonly Case[] = [
  ...accessCases,
  ...orderCases,
  ...approvalCases,
  ...relayCases,
  ...releaseCases,
  ...githubCases,
  ...lifeCases,
];

/** How many tests passed, by runtime. */
const passed: Record<string, number> = {};

function play(runtime: string, start: (t: TestContext) => Promise<Subject>): void {
  passed[runtime] = 0;
  describe(`the API on ${runtime}:`, () => {
    test('every case', async (t) => {
      const stage: Stage = await makeStage(await start(t));
      for (const { name, run } of cases) {
        await t.test(name, async () => {
          stage.nextPhone();
          await run(stage);
          passed[runtime] = (passed[runtime] ?? 0) + 1;
        });
      }
    });
  });
}

play('node', startOnNode);
const absent = missingForWorkerd();
if (absent.length === 0) play('workerd', startOnWorkerd);
else missing(`${absent.join(' and ')} for ${process.platform} ${process.arch}: the API on workerd`);

test('both runtimes pass the same tests', (t) => {
  t.diagnostic(`contract: node ${passed.node}, workerd ${passed.workerd ?? 'missing'}`);
  assert.equal(passed.node, cases.length);
  if (absent.length === 0) assert.equal(passed.workerd, passed.node);
});
