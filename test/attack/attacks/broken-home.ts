import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../schema/jose/digest.ts';
import { importSigningKey } from '../../../schema/jose/keys.ts';
import { signTrust } from '../../../schema/trust/read.ts';
import type { Attack } from '../attack.ts';
import { homeRelays } from '../thief/thief.ts';

export const attack: Attack = {
  name: 'broken-home',
  threat: 1,
  about:
    'The owner signs a trust document that names the thief’s key as the operator: that has to be seen as won.',
  must: 'win',
  async run(thief) {
    const { home } = thief.scene;
    const { secret } = JSON.parse(readFileSync(join(home.configDir, 'root-desk.json'), 'utf8')) as {
      secret: unknown;
    };
    const root = await importSigningKey(secret);
    if (!root.ok) throw new Error('this home is no trial: its root is sealed');
    const document = structuredClone(thief.loot.trust);
    const operator = document.identities.operator;
    if (operator?.kind !== 'key') throw new Error('there is no operator');
    document.identities.operator = { ...operator, jwk: thief.own.jwk };
    document.version += 1;
    const before = Buffer.from(thief.loot.versions.at(-1)!.payload, 'base64url');
    document.previous = await digestOf('trust', new Uint8Array(before));
    const file = join(home.directory, 'broken-trust.jws');
    writeFileSync(file, JSON.stringify({ versions: [await signTrust(document, [root.value])] }));
    for (const relay of homeRelays) {
      await home.kill(`relay-${relay}`);
      const ran = await home.writRelay(['trust', 'install', file, '--state', home.relayDirectory(relay)]);
      if (ran.exit !== 0) throw new Error(`writ-relay trust install: ${ran.err}`);
      await home.start(`relay-${relay}`);
    }
    const paper = await thief.forge.intent(
      [{ relay: 'pve1', action: 'guest.stop', target: 'secsvcs' }],
      thief.own,
    );
    await thief.order('pve1', paper);
    await thief.end(paper);
  },
};
