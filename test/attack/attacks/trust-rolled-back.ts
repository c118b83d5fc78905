import type { Attack } from '../attack.ts';
import { documentOf } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'trust-rolled-back',
  threat: 3,
  about:
    'The versions of trust before the one in force, which name other grants, and the same ones under new numbers.',
  must: 'refuse',
  async run(thief) {
    const { loot, offerTrust } = thief;
    await offerTrust('pve1', loot.versions.slice(0, -1));
    const old = loot.versions[0]!;
    const document = { ...documentOf(old), version: loot.trust.version + 1 };
    const payload = Buffer.from(JSON.stringify(document)).toString('base64url');
    await offerTrust('pve1', [{ ...old, payload }]);
  },
};
