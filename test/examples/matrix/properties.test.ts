import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { buildRepo } from '../../../src/config/build/build.ts';
import { renderHere } from '../../support/repo-fixture.ts';
import { compareAll, tellDisagreements } from './compare.ts';
import { filesOfRelease, saidOf } from './home-files.ts';
import { homes, repoOf } from './random-homes.ts';

/** The same homes in each run; more or others by hand: WRIT_RUNS=2000 WRIT_SEED=1. */
const seed = Number(process.env.WRIT_SEED ?? 20261129);
const numRuns = Number(process.env.WRIT_RUNS ?? 150);

test('who gets in by the files of any home is who its manifest means', async (t) => {
  const seen = { homes: 0, cells: 0, probes: 0, in: 0, asked: 0, denied: 0, nothing: 0 };
  await fc.assert(
    fc.asyncProperty(homes, async (apps) => {
      const repo = repoOf(apps);
      const { release, findings } = await buildRepo(repo, renderHere);
      // What is told to be wrong or unclear has no meaning to be held against.
      if (release === undefined || findings.some(({ code }) => code === 'order_unclear')) return;
      const said = saidOf(repo);
      const { cells, probes, outcomes, disagreements } = compareAll(filesOfRelease(release), said, {
        routes: said.routes.filter(({ app }) => /^app\d+$/.test(app)),
        // The tailnet's own DNS has whole names alone.
        isLeftOut: ({ hosts }, vantage) =>
          vantage === 'tailnet' && hosts.some((host) => host.startsWith('*.')),
      });
      seen.homes += 1;
      seen.cells += cells;
      seen.probes += probes;
      for (const key of ['in', 'asked', 'denied', 'nothing'] as const) seen[key] += outcomes[key];
      assert.equal(tellDisagreements(disagreements.slice(0, 3)), '');
    }),
    { numRuns, seed },
  );
  t.diagnostic(`seed ${seed}: ${JSON.stringify(seen)}`);
  assert.ok(seen.homes >= numRuns / 3 && Math.min(...Object.values(seen)) > 0, JSON.stringify(seen));
});
