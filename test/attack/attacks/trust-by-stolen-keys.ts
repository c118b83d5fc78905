import { signTrust } from '../../../schema/trust/read.ts';
import type { Attack } from '../attack.ts';
import { homeRelays } from '../thief/thief.ts';
import { chained, successor } from '../thief/trusts.ts';

export const attack: Attack = {
  name: 'trust-by-stolen-keys',
  threat: 11,
  about: 'A newer trust document that lets the controller do everything, signed by every key but a root.',
  must: 'refuse',
  async run(thief) {
    const { loot, own, offerTrust } = thief;
    const document = successor(loot);
    const { controller } = document.identities;
    if (controller?.kind !== 'key') throw new Error('trust names no controller');
    controller.may = [{ action: 'guest.stop', on: ['router', 'websvcs'], limit: '1000/1h' }];
    const jws = await signTrust(await chained(document, loot), [loot.controller, loot.cloud, own]);
    // The root's real signature, of another document, goes along.
    const { signatures } = loot.versions.at(-1)!;
    for (const relay of homeRelays)
      await offerTrust(relay, [{ ...jws, signatures: [...jws.signatures, ...signatures] }]);
    await thief.order(
      'pve1',
      await thief.forge.intent([{ relay: 'pve1', action: 'guest.stop', target: 'router' }]),
    );
  },
};
