import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { signTrust } from '../../../schema/trust/read.ts';
import type { Attack } from '../attack.ts';
import { says } from '../thief/line.ts';
import { chained, successor } from '../thief/trusts.ts';

export const attack: Attack = {
  name: 'enrolled-elsewhere',
  threat: 34,
  about:
    'The owner enrols a host with a real code, and the thief answers with a trust document of the thief’s.',
  must: 'refuse',
  async run(thief) {
    const { loot, own, scene } = thief;
    const mine = { ...successor(loot), roots: [{ kid: 'root-desk', jwk: own.jwk }] };
    const first = { ...mine, version: 1, previous: null };
    for (const [index, versions] of [
      [await signTrust(first, [own])],
      [...loot.versions, await signTrust(await chained(mine, loot), [own])],
    ].entries()) {
      thief.line.lie(
        'POST /v1/relay/enroll',
        says({ versions: index === 0 ? versions : versions.slice(-1) }),
      );
      const state = join(scene.home.directory, `enrolled-${index}`);
      const ran = await scene.home.writRelay(['enroll', '-', '--state', state, '--trial'], scene.spareCode);
      if (ran.exit === 0 || existsSync(join(state, 'trust.json')))
        return 'a host obeys the thief’s trust document';
      if (!/trust/.test(ran.err + ran.out)) throw new Error(`writ-relay enroll: ${ran.err}${ran.out}`);
    }
    thief.line.lie('POST /v1/relay/enroll', null);
    return undefined;
  },
};
