import { signTrust } from '../../../schema/trust/read.ts';
import type { Attack } from '../attack.ts';
import { chained, successor } from '../thief/trusts.ts';

export const attack: Attack = {
  name: 'trust-of-new-roots',
  threat: 11,
  about: 'A newer trust document with the thief’s key as its only root and as the operator, signed by it.',
  must: 'refuse',
  async run(thief) {
    const { loot, own, offerTrust } = thief;
    const document = successor(loot);
    document.roots = [{ kid: 'root-desk', jwk: own.jwk }];
    for (const [version, previous] of [
      [document.version, undefined],
      [document.version + 5, undefined],
      [1, null],
    ] as const) {
      const next = await chained({ ...document, version }, loot);
      const jws = await signTrust(previous === null ? { ...next, previous } : next, [own]);
      await offerTrust('pve2', [jws]);
    }
    const { ntfy } = thief.scene;
    const heard = await ntfy.next((line) => line.includes('trust document'), 10_000);
    return heard === null ? 'nobody was told that trust was offered which does not hold' : undefined;
  },
};
