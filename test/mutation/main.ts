// npm run test:mutation [-- FILE …]
//
// Puts every small fault into the verifier, one at a time, and says which of them no test notices.

import { globSync } from 'node:fs';
import { availableParallelism, constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureRuntime } from '../support/runner/runtime.ts';
import { openCache } from './cache.ts';
import { type Judged, judgeMutants } from './engine.ts';
import { describeMutant, report } from './report.ts';
import { mutate, testPatterns } from './targets.ts';

ensureRuntime();
const root = join(import.meta.dirname, '../..');
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { lanes: { type: 'string' } },
});
setPriority(constants.priority.PRIORITY_LOW);

const startedMs = performance.now();
const judged: Judged[] = [];
await judgeMutants({
  root,
  paths: positionals.length > 0 ? positionals : mutate,
  tests: globSync(testPatterns, { cwd: root }).sort(),
  lanes: Number(values.lanes ?? Math.min(2, availableParallelism())),
  cache: openCache(join(root, 'node_modules/.cache/writ-mutation.json')),
  onJudged: (one) => {
    judged.push(one);
    if (one.verdict.by === null) console.log(`survived: ${one.mutant.path} ${describeMutant(one.mutant)}`);
  },
});
const minutes = (performance.now() - startedMs) / 60_000;
process.exitCode = report({ root, judged, minutes, isWhole: positionals.length === 0 }) ? 0 : 1;
