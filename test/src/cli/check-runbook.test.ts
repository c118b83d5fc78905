import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Runbook } from '../../../schema/manifest/house.ts';
import type { Step } from '../../../schema/wire/intent.ts';
import { checkPlan } from '../../../src/cli/check-plan.ts';
import { serve } from '../../../src/main.ts';
import { type Fixture, makeFixture, now, planOf, step } from './home-fixture.ts';
import { runWrit } from './terminal-fixture.ts';

let home: Fixture;
before(async () => {
  home = await makeFixture();
});

const item = (action: string, target: string) => ({ action, target, params: {}, even_if_failed: false });
const evening: Runbook = {
  title: 'the evening',
  steps: [item('guest.shutdown', 'websvcs'), item('guest.start', 'gaming')],
};
const after = (index: number): Pick<Step, 'after'> => ({ after: [{ step: index, if: 'succeeded' }] });
const wake = step('pve1', 'host.wake', 'pve2');
const web = (more: Partial<Step> = {}) => step('pve2', 'guest.shutdown', 'websvcs', more);
const rival = (more: Partial<Step> = {}) => step('pve2', 'guest.shutdown', 'devtop', more);
const gaming = (more: Partial<Step> = {}) => step('pve2', 'guest.start', 'gaming', more);

const judged = async (steps: Step[], runbook: Runbook | null = evening) => {
  const checked = await checkPlan(home.trust, { runbook: 'evening' }, await planOf(steps), now, runbook);
  return checked.ok ? 'signed' : checked.reason;
};

test('a plan is that of the runbook which this computer uploaded, with wakes and rivals of its own steps', async () => {
  assert.equal(await judged([web(), gaming(after(0))]), 'signed');
  assert.equal(await judged([wake, web(after(0)), gaming(after(1))]), 'signed');
  assert.equal(await judged([wake, web(after(0)), rival(after(1)), gaming(after(2))]), 'signed');
});

test('a taken control plane cannot put more, less or another order under the name of a runbook', async () => {
  const cut = step('pve1', 'guest.stop', 'router', after(1));
  for (const [name, steps] of Object.entries<Step[]>({
    'a power cut': [web(), gaming(after(0)), cut],
    'the shutdown of a guest that is no rival': [
      web(),
      step('pve1', 'guest.shutdown', 'router', after(0)),
      gaming(after(1)),
    ],
    'one step less': [web()],
    'another order': [gaming(), web(after(0))],
    'steps that do not wait': [web(), gaming()],
    'another target': [rival(), gaming(after(0))],
  })) {
    assert.equal(await judged(steps), 'plan_exceeds_order', name);
  }
});

test('of a runbook that this computer does not know, nothing is signed unseen', async (t) => {
  assert.equal(await judged([web(), gaming(after(0))], null), 'signed', 'a person may look at it');
  const folder = mkdtempSync(join(tmpdir(), 'writ-runbook-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const started = await serve({
    dataDir: join(folder, 'data'),
    listen: [{ host: '127.0.0.1', port: 0 }],
    write: () => {},
  });
  assert.ok(started.ok);
  t.after(() => started.value.close());
  const config = join(folder, 'owner');
  const house = join(import.meta.dirname, '../../../examples/house.yaml');
  const words = ['init', started.value.setupCode!, '--house', house, '--trial', '--config', config];
  assert.equal((await runWrit(words)).exit, 0);
  const listed = await runWrit(['run', '--config', config]);
  assert.match(listed.out, /start-gaming/);
  // Known here: it goes on to the plan, which no relay of this home can do.
  const known = await runWrit(['run', 'start-gaming', '--yes', '--config', config]);
  assert.doesNotMatch(known.err, /runbook_not_kept/);
  rmSync(join(config, 'runbooks.json'));
  const unknown = await runWrit(['run', 'start-gaming', '--yes', '--config', config]);
  assert.equal(unknown.exit, 3);
  assert.match(unknown.err, /runbook_not_kept/);
});
