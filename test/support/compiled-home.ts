import { standing } from '../../src/config/broken.ts';
import { compileHome } from '../../src/config/compile/compile.ts';
import { machineOf } from '../../src/config/compile/routes.ts';
import type { Finding } from '../../src/config/finding.ts';
import type { Doubt, Generated, Generator } from '../../src/config/generate/generator.ts';
import type { Home } from '../../src/config/home.ts';
import { readManifest } from '../../src/config/read/manifest.ts';
import { repoOf, type Tree } from './repo-fixture.ts';

/** The model of a repo without templates, and what was told on the way. */
export function homeOf(tree: Tree): { readonly home: Home; readonly findings: readonly Finding[] } {
  const { manifest, findings } = readManifest(repoOf(tree));
  if (!manifest.hasHomelab) throw new Error(JSON.stringify(findings));
  const { home, findings: more } = compileHome(manifest, new Map());
  return { home, findings: standing([...findings, ...more], manifest.broken) };
}

/** What a generator makes for the app on a machine that has it placed. */
export function generateFor(
  { name, outputs }: Generator,
  output: string,
  home: Home,
  place: { readonly app: string; readonly target: string },
  options: Readonly<Record<string, unknown>> = {},
): { readonly made: Generated; readonly doubts: readonly Doubt[] } {
  const instance = home.instances.find(({ app, target }) => app === place.app && target === place.target)!;
  const settings = Object.hasOwn(home.generators, name) ? home.generators[name]!.options : {};
  const target = machineOf(home, place.target)!;
  const { made, doubts = [] } = outputs[output]!.generate({
    home,
    target,
    instance,
    options: { ...settings, ...options },
  });
  return { made, doubts };
}
