import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'audit-forked',
  threat: 13,
  about: 'The audit log goes back: the owner has to hear of it by the path that avoids the control plane.',
  must: 'refuse',
  async run(thief) {
    const { ntfy } = thief.scene;
    await thief.answer('pve1', {});
    await thief.answer('pve1', { beat: { audit: { seq: 1, hash: `sha256:${'b'.repeat(64)}` } } });
    const heard = await ntfy.next((line) => line.includes('audit log'), 10_000);
    return heard === null ? 'nobody was told that the audit log had gone back' : undefined;
  },
};
