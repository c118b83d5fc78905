import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { isActionStep } from '../../../schema/manifest/runbook.ts';
import { didYouMean } from '../../../schema/near.ts';
import { own } from '../../../schema/wire/record.ts';
import { unlessApp } from '../broken.ts';
import type { Home } from '../home.ts';
import type { Manifest } from '../read/manifest.ts';
import { fault, type Tell } from './units.ts';

/** What homelab.yaml says of power, storage and news, for templates. */
export const compileSections = (
  homelab: Homelab,
): Pick<Home, 'power' | 'ups' | 'storage' | 'backups' | 'notifications'> => ({
  power: Object.fromEntries(
    Object.entries(homelab.hosts).map(([name, { sleeps }]) => [
      name,
      own(homelab.power, name) ?? { mode: sleeps ? 'on-demand' : 'always', awake: [], grace: '15m' },
    ]),
  ),
  ups: homelab.ups,
  storage: homelab.storage,
  backups: homelab.backups,
  notifications: homelab.notifications,
});

/** Names of apps and secrets that sections and runbooks give: apps are known only when all files are read. */
export function judgeSections(
  { homelab, yaml, runbookPlace }: Manifest,
  { apps, secrets }: Pick<Home, 'apps' | 'secrets'>,
  tell: Tell,
): void {
  for (const [name, { quiesce }] of Object.entries(homelab.backups)) {
    for (const app of quiesce) {
      if (Object.hasOwn(apps, app)) continue;
      const place = yaml.place(['backups', name, 'quiesce']);
      const near = didYouMean(app, Object.keys(apps));
      tell(fault(place, 'unknown_app', `there is no app ${app}`, near, unlessApp(app)));
    }
  }
  for (const [name, { steps }] of Object.entries(homelab.runbooks)) {
    for (const [index, step] of steps.entries()) {
      const secret = isActionStep(step) ? step.captures?.secret : undefined;
      if (secret === undefined || Object.hasOwn(secrets, secret)) continue;
      const at = ['steps', index, 'captures', 'secret'];
      const message = `no app lists the secret ${secret}`;
      const place = runbookPlace(name, at);
      tell(
        fault(place, 'unknown_secret', message, didYouMean(secret, Object.keys(secrets)), [
          'apps/*',
          'homelab.hosts',
          'homelab.guests',
        ]),
      );
    }
  }
}
