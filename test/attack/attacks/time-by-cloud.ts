import { releaseAudience } from '../../../schema/github/audience.ts';
import { digestBytes } from '../../../schema/jose/digest.ts';
import type { Attack } from '../attack.ts';
import { layBait } from '../thief/bait.ts';
import { relayKid } from '../thief/loot.ts';

export const attack: Attack = {
  name: 'time-by-cloud',
  threat: 12,
  about:
    'An expired token of the real workflow, with an attestation of time by cloud’s relay, which is no notary.',
  must: 'refuse',
  async run(thief) {
    const { forge, loot, own, scene } = thief;
    const digest = await layBait(thief);
    const paper = await forge.release([{ relay: 'pve2', target: 'websvcs', digest }], undefined, {
      commit: 'c0ffee00'.repeat(5),
      order: { run_id: 9_000_000_001, run_attempt: 1, desk: 0 },
    });
    const past = Math.floor(Date.now() / 1000) - 7_200;
    const aud = releaseAudience(loot.home, paper.digest);
    const authorisation = await scene.issuer.issue({ aud, iat: past, nbf: past, exp: past + 300 });
    const token = await digestBytes(new TextEncoder().encode(authorisation));
    const said = { home: loot.home, token, seen: (past + 10) * 1_000, seq: 5 };
    const notary = { kid: relayKid(loot, 'pve1'), sign: loot.cloud.sign };
    for (const by of [loot.cloud, loot.controller, own, notary]) {
      const time = await forge.seal('time', said, by);
      await thief.order('pve2', { ...paper, authorisation }, { time });
    }
    // The notary itself only says when it saw a token: now, which is too late.
    await thief.answer('pve1', { attest: [token] });
    const posted = (): string | undefined =>
      thief.line.sent.findLast(({ route }) => route === 'POST /v1/relay/times')?.body;
    await thief.answer('pve1', {});
    const body = posted();
    if (body !== undefined) {
      const [time] = (JSON.parse(body) as { times: string[] }).times;
      await thief.order('pve2', { ...paper, authorisation }, { ...(time !== undefined && { time }) });
    }
  },
};
