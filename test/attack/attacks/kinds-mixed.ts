import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'kinds-mixed',
  threat: 6,
  about:
    'Signatures of the operator under another kind: a release’s under an intent, an intent’s under a release.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, order } = thief;
    const [release] = loot.releases;
    const intent = loot.intents.find(({ signer }) => signer === 'operator');
    if (release === undefined || intent === undefined) throw new Error('the owner left no papers');
    const wanted = await forge.intent([{ relay: 'pve2', action: 'guest.stop', target: 'websvcs' }]);
    for (const { authorisation } of [release, intent]) {
      await order('pve2', { ...wanted, authorisation });
      await order('pve2', { ...release, kind: 'intent', authorisation });
      await order('pve2', { ...intent, kind: 'release', authorisation });
    }
    // Receipts, reports and jobs are signed as well: none of them authorises anything.
    const spoils = [thief.reportOf('pve2'), loot.receipts[0]?.jws, await thief.mint('pve2', wanted)];
    for (const authorisation of spoils)
      if (authorisation !== undefined) await order('pve2', { ...wanted, authorisation });
  },
};
