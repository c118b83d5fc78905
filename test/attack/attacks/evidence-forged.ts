import type { Attack } from '../attack.ts';
import { relayKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'evidence-forged',
  threat: 34,
  about: 'Reports in the name of pve2 and of a relay that never was, as evidence that a host has woken.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own } = thief;
    const report = JSON.parse(
      Buffer.from(thief.reportOf('pve2')!.split('.')[1]!, 'base64url').toString(),
    ) as Record<string, unknown>;
    const evidence = [];
    for (const by of [loot.cloud, loot.controller, own, { kid: relayKid(loot, 'pve2'), sign: own.sign }])
      for (const relay of ['pve2', 'pve3'])
        evidence.push(await forge.seal('report', { ...report, relay, time: Date.now() }, by));
    await thief.answer('pve1', { evidence });
  },
};
