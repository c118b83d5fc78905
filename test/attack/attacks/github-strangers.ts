import { releaseAudience } from '../../../schema/github/audience.ts';
import type { Attack } from '../attack.ts';
import { layBait } from '../thief/bait.ts';

export const attack: Attack = {
  name: 'github-strangers',
  threat: 22,
  about: 'Tokens of other repositories, branches, workflows, events and runs, with the right audience.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, scene } = thief;
    const digest = await layBait(thief);
    const paper = await forge.release([{ relay: 'pve2', target: 'websvcs', digest }], undefined, {
      commit: 'c0ffee00'.repeat(5),
      order: { run_id: 9_000_000_001, run_attempt: 1, desk: 0 },
    });
    const aud = releaseAudience(loot.home, paper.digest);
    const past = Math.floor(Date.now() / 1000) - 3_600;
    for (const claims of [
      { repository_id: '1296270' },
      { repository_owner_id: '1' },
      { ref: 'refs/heads/evil' },
      { ref: 'refs/tags/main', ref_type: 'tag' },
      { workflow_ref: 'octocat/homelab/.github/workflows/evil.yml@refs/heads/main' },
      { job_workflow_ref: 'evil/homelab/.github/workflows/deploy.yml@refs/heads/main' },
      { event_name: 'pull_request' },
      { environment: 'evil' },
      { environment: undefined },
      { runner_environment: 'self-hosted' },
      { run_id: '9000000002' },
      { run_attempt: '2' },
      { sha: 'd'.repeat(40) },
      { iat: past, nbf: past, exp: past + 300 },
      { exp: undefined },
      { iss: scene.decoy.url },
    ]) {
      await thief.order('pve2', { ...paper, authorisation: await scene.issuer.issue({ aud, ...claims }) });
    }
  },
};
