import { allActions } from '../../../schema/actions/index.ts';
import type { Attack } from '../attack.ts';
import { homeRelays } from '../thief/thief.ts';

const actions = [...allActions.map(({ type }) => type), 'host.stop', 'guest.destroy', 'guest.migrate'];
const targets = [
  ...[
    'cloud',
    'pve1',
    'pve2',
    'pve3',
    'router',
    'secsvcs',
    'homesvcs',
    'websvcs',
    'gaming',
    'devtop',
    'macos',
  ],
  ...['labvm', 'websvcs/web/reload'],
];
const granted = /^(host\.(wake|shutdown)@pve2|guest\.(start|shutdown|suspend|resume)@(gaming|devtop|macos))$/;

export const attack: Attack = {
  name: 'dice',
  threat: 1,
  about:
    'Two hundred intents of random actions, targets, relays and parameters, all under the controller’s own key.',
  must: 'refuse',
  async run({ forge, mint, answer, random }) {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    for (const relay of homeRelays) {
      for (let batch = 0; batch < 7; batch += 1) {
        const jobs: string[] = [];
        for (let count = 0; count < 15; count += 1) {
          const steps = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
            relay: random() < 0.9 ? relay : pick(['cloud', 'pve1', 'pve2']),
            action: pick(actions),
            target: pick(targets),
            params: pick([{}, {}, { timeout_s: 30 }, { force: true }, { part: `sha256:${'e'.repeat(64)}` }]),
          }));
          // What the controller may order by itself is no attack, and is counted elsewhere.
          if (steps.every(({ action, target }) => granted.test(`${action}@${target}`))) continue;
          const step = Math.floor(random() * steps.length);
          jobs.push(await mint(relay, await forge.intent(steps), { step }));
        }
        await answer(relay, { jobs });
      }
    }
  },
};
