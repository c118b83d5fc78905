import { releaseAudience } from '../../../schema/github/audience.ts';
import { githubClaims, githubKey, githubToken } from '../../support/github-issuer.ts';
import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'github-key-storm',
  threat: 23,
  about:
    'Tokens by unknown keys, and by keys of another issuer: the real one must not be asked for each of them.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, scene } = thief;
    const paper = await forge.release([
      { relay: 'pve2', target: 'websvcs', digest: `sha256:${'e'.repeat(64)}` },
    ]);
    const before = scene.issuer.requests.jwks;
    const aud = releaseAudience(loot.home, paper.digest);
    const key = githubKey();
    for (let count = 0; count < 12; count += 1) {
      const kid = `${count}`.repeat(8);
      const claims = githubClaims(Date.now(), {
        aud,
        iss: count % 3 === 0 ? scene.decoy.url : scene.issuer.url,
      });
      await thief.order('pve2', { ...paper, authorisation: githubToken({ ...key, kid }, claims) });
    }
    const asked = scene.issuer.requests.jwks - before;
    return asked > 3 ? `the issuer was asked ${asked} times for its keys` : undefined;
  },
};
