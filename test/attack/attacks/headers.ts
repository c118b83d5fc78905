import type { Attack } from '../attack.ts';
import { operatorKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'headers',
  threat: 22,
  about:
    'Envelopes and authorisations with alg none, HS256, a key of their own in the header, and unclean texts.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const step = { relay: 'pve1', action: 'guest.stop', target: 'router' };
    const paper = await forge.intent([step]);
    const kid = operatorKid(loot);
    const nobody = { kid, sign: () => new Uint8Array(64) };
    const bents: object[] = [
      { alg: 'none' },
      { alg: 'HS256' },
      { alg: 'EdDSA' },
      { alg: 'Ed448' },
      { jwk: own.jwk },
      { jku: `${thief.scene.decoy.url}/keys` },
      { x5u: `${thief.scene.decoy.url}/cert` },
      { crit: ['exp'], exp: 1 },
      { b64: false, crit: ['b64'] },
      { kid: own.kid },
      { kid: '' },
      { typ: 'JWT' },
    ];
    for (const header of bents) {
      for (const by of [nobody, { kid, sign: own.sign }]) {
        const authorisation = await forge.authorise(paper, by, { header });
        await thief.order('pve1', { ...paper, authorisation });
      }
    }
    const good = await forge.authorise(paper, loot.controller);
    for (const text of [
      `${good}=`,
      ` ${good}`,
      `${good}\n`,
      good.replace('.', '..'),
      good.slice(0, -1),
      '',
      '..',
    ])
      await thief.order('pve1', { ...paper, authorisation: text });
    const granted = await forge.intent([{ relay: 'pve2', action: 'guest.suspend', target: 'gaming' }]);
    for (const by of [loot.cloud, own, { kid: loot.controller.kid, sign: own.sign }])
      await thief.order('pve2', granted, { by });
  },
};
