// node test/bench/config-main.ts APPS ROUNDS: prints one line of JSON with what checking, building and planning takes.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { readRepo } from '../../src/cli/repo-files.ts';
import { createTemplateRenderer } from '../../src/cli/template-renderer.ts';
import { buildRepo } from '../../src/config/build/build.ts';
import { makePlan } from '../../src/config/plan/plan.ts';
import { planText } from '../../src/config/plan/text.ts';
import { repoOfApps } from './config-repo.ts';
import { timed } from './figure.ts';

const [apps, rounds] = process.argv.slice(2).map(Number) as [number, number];
const folder = mkdtempSync(join(process.env.WRIT_BENCH_DIR ?? tmpdir(), 'writ-bench-config-'));
const renderer = createTemplateRenderer();
try {
  const files = repoOfApps(apps);
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const before = await buildRepo(readRepo(folder), renderer.render);
  if (before.release === undefined) throw new Error(JSON.stringify(before.findings.slice(0, 3)));
  const unit = join(folder, 'apps/app0/app0.container');
  const measured = { whole: [] as number[], plan: [] as number[], floor: [] as number[], rssBytes: 0 };
  for (let round = 0; round < rounds; round += 1) {
    // Another change each time, so that nothing kept from the last round answers.
    writeFileSync(unit, files.get('apps/app0/app0.container')!.replace('1.0', `2.${round}`));
    const whole = await timed(async () => {
      const { release } = await buildRepo(readRepo(folder), renderer.render);
      measured.plan.push(await timed(async () => planText(makePlan(before.release!, release!))));
    });
    measured.whole.push(whole);
    // What nobody can do without: read every file, parse its YAML by the same library, and hash its bytes.
    measured.floor.push(
      await timed(async () => {
        for (const [path, bytes] of readRepo(folder).files) {
          if (path.endsWith('.yaml')) parse(new TextDecoder().decode(bytes));
          createHash('sha256').update(bytes).digest('hex');
        }
      }),
    );
  }
  measured.rssBytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify(measured));
} finally {
  await renderer.close();
  rmSync(folder, { recursive: true, force: true });
}
