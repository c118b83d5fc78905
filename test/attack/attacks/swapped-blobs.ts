import { releaseAudience } from '../../../schema/github/audience.ts';
import { digestBytes, toBytes } from '../../../schema/jose/digest.ts';
import type { Attack } from '../attack.ts';
import { deployedPart } from '../thief/bait.ts';

export const attack: Attack = {
  name: 'swapped-blobs',
  threat: 31,
  about: 'Real releases of the owner’s workflow, for which the thief serves other bytes than they name.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, scene } = thief;
    const deployed = deployedPart(loot);
    const part = deployed.replaceAll('/etc/opt/web/', '/etc/opt/other/');
    for (const [index, served] of [deployed, part.slice(0, -1)].entries()) {
      const claims = { run_id: String(9_000_000_010 + index), run_attempt: '1', sha: 'c0ffee00'.repeat(5) };
      const order = await forge.release(
        [{ relay: 'pve2', target: 'websvcs', digest: await digestBytes(toBytes(part)) }],
        undefined,
        { commit: claims.sha, order: { run_id: Number(claims.run_id), run_attempt: 1, desk: 0 } },
      );
      const aud = releaseAudience(loot.home, order.digest);
      thief.line.lie('GET /v1/relay/blobs/{sha256}', (_, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.end(served);
      });
      await thief.order('pve2', { ...order, authorisation: await scene.issuer.issue({ aud, ...claims }) });
      await thief.end(order, 0, 12_000);
    }
    thief.line.lie('GET /v1/relay/blobs/{sha256}', null);
  },
};
