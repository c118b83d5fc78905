import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'twice-in-intent',
  threat: 18,
  about:
    'Intents in which members stand twice: a policy that reads the first and a relay that does the last.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, order } = thief;
    const plain = { relay: 'pve2', action: 'guest.suspend', target: 'gaming' };
    const { text } = await forge.intent([plain]);
    const json = Buffer.from(text, 'base64url').toString();
    for (const bent of [
      json.replace('"target":"gaming"', '"target":"gaming","target":"websvcs"'),
      json.replace('"target":"gaming"', '"target":"websvcs","target":"gaming"'),
      json.replace('"action":"guest.suspend"', '"action":"guest.suspend","\\u0061ction":"guest.stop"'),
      json.replace('{', '{"__proto__":{"steps":[]},'),
      `${json}{}`,
      `\ufeff${json}`,
      json.replace('"gaming"', '"gaming\\u0000"'),
    ]) {
      await order('pve2', await forge.paperOf('intent', bent, loot.controller));
    }
  },
};
