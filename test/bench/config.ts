import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions, requireShim } from '../../debian/bundle.ts';
import { type Figure, figure, quantile } from './figure.ts';

type Measured = {
  readonly whole: number[];
  readonly plan: number[];
  readonly floor: number[];
  readonly rssBytes: number;
};

/** Bundled as the CLI is: what reads TypeScript takes 100 MB by itself. */
async function bundle(folder: string): Promise<string> {
  const outdir = join(folder, 'config');
  await build({
    ...bundleOptions,
    entryPoints: {
      'config-main': join(import.meta.dirname, 'config-main.ts'),
      'template-worker': join(import.meta.dirname, '../../src/cli/template-worker.ts'),
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    banner: { js: requireShim },
  });
  return join(outdir, 'config-main.mjs');
}

function measure(program: string, apps: number, rounds: number, folder: string): Measured {
  const out = execFileSync(process.execPath, [program, String(apps), String(rounds)], {
    encoding: 'utf8',
    env: { ...process.env, WRIT_BENCH_DIR: folder },
  });
  return JSON.parse(out) as Measured;
}

/** The first rounds are of a program that is not compiled yet. */
const warm = 5;

/** What it takes to check, build and plan a homelab's repo, in a process of its own. */
export async function configuration(folder: string): Promise<Figure[]> {
  const program = await bundle(folder);
  const hundred = measure(program, 100, 45, folder);
  const thousand = measure(program, 1000, 8, folder);
  // As `writ plan` does it: two builds and a plan, once. Over many rounds, garbage is what is measured.
  const once = measure(program, 100, 1, folder);
  const onceThousand = measure(program, 1000, 1, folder);
  const whole = hundred.whole.slice(warm);
  const ratios = whole.map((ms, index) => ms / hundred.floor[index + warm]!);
  const growth = quantile(thousand.whole.slice(2), 0.5) / quantile(whole, 0.5) / 10;
  return [
    figure('config_100_apps_p95', quantile(whole, 0.95), { atMost: 200 }, 'ms', 'read, check, build, plan'),
    figure('config_100_apps_over_floor', quantile(ratios, 0.5), {}, '×', 'read, parse and hash the files'),
    figure('config_plan_100_apps_p95', quantile(hundred.plan.slice(warm), 0.95), { atMost: 20 }, 'ms', ''),
    figure('config_100_apps_peak_rss', once.rssBytes / 1e6, { atMost: 200 }, 'MB', 'templates’ thread too'),
    figure('config_growth_100_to_1000', growth, { atMost: 1.2 }, '×', 'time an app; 1 is linear'),
    figure('config_1000_apps_peak_rss', onceThousand.rssBytes / 1e6, {}, 'MB', ''),
  ];
}
