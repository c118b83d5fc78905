import { releaseAudience, statusAudience } from '../../../schema/github/audience.ts';
import type { Attack } from '../attack.ts';
import { layBait } from '../thief/bait.ts';

export const attack: Attack = {
  name: 'github-status-token',
  threat: 22,
  about: 'A real token of the owner’s workflow that only speaks with the control plane, under a release.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, scene } = thief;
    const digest = await layBait(thief);
    const paper = await forge.release([{ relay: 'pve2', target: 'websvcs', digest }], undefined, {
      commit: 'c0ffee00'.repeat(5),
      order: { run_id: 9_000_000_001, run_attempt: 1, desk: 0 },
    });
    const other = `sha256:${'f'.repeat(64)}`;
    for (const aud of [
      statusAudience(loot.home),
      releaseAudience(loot.home, other),
      releaseAudience('h_01ARZ3NDEKTSV4RRFFQ69G5FAV', paper.digest),
      [releaseAudience(loot.home, paper.digest), statusAudience(loot.home)],
      `${releaseAudience(loot.home, paper.digest)} `,
      'https://github.com/octocat',
    ]) {
      await thief.order('pve2', { ...paper, authorisation: await scene.issuer.issue({ aud }) });
    }
  },
};
