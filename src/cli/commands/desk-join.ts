import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import type { SigningKey } from '../../../schema/jose/keys.ts';
import { nameOfKey } from '../../../schema/trust/evaluate.ts';
import { acceptFirstTrust, followTrustChain, type Trust } from '../../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { createApi } from '../api.ts';
import { type Context, defineCommand } from '../command.ts';
import { type DeskCode, parseDeskCode } from '../desk-codes.ts';
import { isHome, readOperator, writeHomeFile, writeTrust } from '../home.ts';
import { writeChain } from '../kept-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';

export const deskJoin = defineCommand({
  name: 'desk join',
  summary: 'Join a home with the key that was made on this computer',
  usage: 'CODE',
  more: [
    'CODE is what writ trust add-key printed on the computer with your root key. It names the home and the version of trust that names this computer’s key: whoever sends you another code sends you to another home.',
  ],
  examples: [{ line: 'writ desk join writ-desk.eyJ…', about: 'on the second computer' }],
  options: {},
  async run(context, [argument = '']) {
    const { configDir } = context;
    const code = parseDeskCode(argument === '-' ? await context.terminal.input() : argument);
    if (!code.ok)
      return fail(exits.usage, code.reason, `That is no code of writ trust add-key: ${code.detail}.`);
    if (isHome(configDir)) {
      return fail(
        exits.refused,
        'home_exists',
        `${configDir} holds the keys of a home already. Name another directory with --config.`,
      );
    }
    const key = await readOperator(configDir);
    if (!key.ok) return key;
    if (key.value === null) {
      return fail(exits.usage, 'no_key', `There is no key in ${configDir} yet. Make one: writ desk new`);
    }
    const found = await fetchTrust(context, code.value, key.value);
    if (!found.ok) return found;
    const { trust, versions } = found.value;
    const name = nameOfKey(trust, key.value.kid);
    if (name === undefined || trust.document.identities[name]?.kind !== 'key') {
      return fail(
        exits.refused,
        'key_unknown',
        `Trust version ${trust.document.version} does not name this computer's key. Nothing was kept. Name it: writ trust add-key`,
      );
    }
    const { home, origin, spki } = code.value;
    writeChain(configDir, versions);
    writeTrust(configDir, trust);
    // Last: only a directory that holds all of it is a home.
    writeHomeFile(configDir, { v: 1, home, origin, spki, trial: false });
    return done(`This computer is ${name} of ${home}. What it may order: writ trust show`, {
      home,
      name,
      version: trust.document.version,
      digest: trust.digest,
    });
  },
});

/** The version that the code names, and those that follow it, from a control plane that is believed nothing else. */
async function fetchTrust(
  context: Context,
  { home, origin, spki, trust: digest }: DeskCode,
  operator: SigningKey,
): Promise<{ ok: true; value: { trust: Trust; versions: readonly TrustJws[] } } | Failure> {
  context.progress.say('Asking the control plane');
  const api = createApi({ ...context, origin, spki, home, operator });
  const chain = await api.call({
    method: 'GET',
    url: '/v1/trust?after=0',
    answer: trustChainSchema,
    maxBytes: maxTrustChainBytes,
  });
  if (!chain.ok) return chain;
  const { versions } = chain.value;
  const digests = await Promise.all(versions.map(digestOfVersion));
  const at = digests.indexOf(digest);
  const refused = (why: string): Failure =>
    fail(exits.refused, 'trust_unproven', `The control plane ${why}. Nothing was kept.`);
  if (at < 0)
    return refused(
      'does not have the version of trust that the code names: hand it over, writ trust publish',
    );
  const first = await acceptFirstTrust(versions[at]!, { digest });
  if (!first.ok || first.value.document.home !== home) return refused('offers a version of another home');
  const { trust, accepted, refusal } = await followTrustChain(first.value, versions.slice(at + 1));
  if (refusal !== null) return refused(`offers trust that does not follow version ${trust.document.version}`);
  return { ok: true, value: { trust, versions: [versions[at]!, ...accepted] } };
}

async function digestOfVersion({ payload }: TrustJws): Promise<string | null> {
  const bytes = decodeBase64url(payload);
  return bytes.ok ? digestOf('trust', bytes.value) : null;
}
