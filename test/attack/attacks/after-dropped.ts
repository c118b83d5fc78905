import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'after-dropped',
  threat: 9,
  about:
    'The same reboots without what they come after: alone under the old signature, and as if they were the first step.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot } = thief;
    const { paper: old, before } = thief.forbidden();
    const step = { relay: 'pve1', action: before.action, target: before.target };
    const alone = await forge.intent([step]);
    await thief.order('pve1', { ...alone, authorisation: old.authorisation });
    await thief.order('pve1', alone);
    await thief.order('pve1', old, { step: 0 });
    await thief.order('pve1', old, { step: 63 });
    const text = Buffer.from(old.text, 'base64url').toString();
    const bent = await forge.paperOf(
      'intent',
      text.replaceAll(/"after":\[[^\]]+\]/g, '"after":[]'),
      loot.controller,
    );
    await thief.order('pve1', bent, { step: 1 });
    await thief.order('pve1', { ...bent, authorisation: old.authorisation }, { step: 1 });
  },
};
