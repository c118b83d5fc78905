import { isActionStep } from '../../../schema/manifest/runbook.ts';
import { own } from '../../../schema/wire/record.ts';
import type { HomeSecret } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import { byText } from '../repo.ts';
import { sorted } from './sorted.ts';
import type { Placed } from './units.ts';

/** Every secret of the home: who needs it where, and where it comes from. */
export function compileSecrets(
  placed: readonly Placed[],
  runbooks: Manifest['homelab']['runbooks'],
): Record<string, HomeSecret> {
  const found = new Map<string, { targets: Set<string>; apps: Set<string>; from: readonly string[] }>();
  for (const { app, target, secrets, derived } of placed) {
    for (const name of secrets) {
      const from = own(derived, name)?.from ?? [];
      const known = found.get(name) ?? { targets: new Set(), apps: new Set(), from };
      known.targets.add(target);
      known.apps.add(app);
      found.set(name, { ...known, from: known.from.length > 0 ? known.from : from });
    }
  }
  const captured = new Map(
    Object.entries(runbooks).flatMap(([name, { steps }]) =>
      steps.flatMap((step) =>
        isActionStep(step) && step.captures !== undefined ? [[step.captures.secret, name] as const] : [],
      ),
    ),
  );
  return sorted(Object.fromEntries(found), (name, { targets, apps, from }) => ({
    name,
    targets: [...targets].sort(byText),
    apps: [...apps].sort(byText),
    from,
    ...(captured.has(name) && { captured: captured.get(name)! }),
  }));
}
