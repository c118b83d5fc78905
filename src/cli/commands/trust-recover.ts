import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { digestOf } from '../../../schema/jose/digest.ts';
import { parsePayload } from '../../../schema/jose/jws.ts';
import { generateKey, type SigningKey, thumbprint } from '../../../schema/jose/keys.ts';
import { operatorName, type TrustDocument } from '../../../schema/trust/document.ts';
import {
  acceptFirstTrust,
  acceptNextTrust,
  followTrustChain,
  signTrust,
  type Trust,
} from '../../../schema/trust/read.ts';
import { maxTrustChainBytes } from '../../../schema/wire/limits.ts';
import { type TrustJws, trustChainSchema } from '../../../schema/wire/relay-api.ts';
import { type ApiFailure, createApi } from '../api.ts';
import { type Context, defineCommand } from '../command.ts';
import { makePrivateDirectory, readTextFile, renameDirectory } from '../files.ts';
import { type Home, isHome, readHome, writeHome, writeHomeFile } from '../home.ts';
import { readChain, writeChain } from '../kept-trust.ts';
import { nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isOwnMachine } from '../own-machine.ts';
import { confirm, newPassphrase, passphraseFileOption } from '../passphrase.ts';
import { askPaperKey } from '../root-key.ts';
import { type RootFile, sealRoot } from '../seal.ts';
import { changesInWords } from '../trust-changes.ts';
import { sendTrust } from '../upload-trust.ts';

export const trustRecover = defineCommand({
  name: 'trust recover',
  summary: 'Take your home back from paper, on a new computer, when the old one is lost',
  usage: 'FILE',
  more: [
    'FILE holds the versions of trust: what the mirror serves, or /var/lib/writ-relay/trust.json of a host. A new desk root and a new operator key are made here and take the place of those on the lost computer, by one version that the root on paper signs. Relays follow it; none has to enrol again.',
    'Before that, compare the digest with what writ-relay trust show tells at the console of a host: whoever gave you the file could have made it up.',
  ],
  examples: [{ line: 'writ trust recover trust.jws', about: 'asks for the paper and a new passphrase' }],
  options: {
    yes: { type: 'flag', about: 'do not ask whether the digest is the one that a host shows' },
    'passphrase-file': passphraseFileOption,
    offline: {
      type: 'flag',
      about: 'tell the control plane nothing, because it is not yours any more either',
    },
    trial: { type: 'flag', about: 'no passphrase: for trying out only' },
  },
  async run(context, [path = ''], values) {
    const pending = `${context.configDir}.recovering`;
    if (isHome(pending)) return finish(context, pending, values.offline);
    if (isHome(context.configDir)) {
      return fail(
        exits.refused,
        'home_exists',
        `${context.configDir} holds the keys of a home already. Name another directory with --config.`,
      );
    }
    if (existsSync(context.configDir) && readdirSync(context.configDir).length > 0) {
      return fail(
        exits.refused,
        'config_not_empty',
        `${context.configDir} is not empty. Name another directory with --config.`,
      );
    }
    const given = await readVersions(path);
    if (!given.ok) return given;
    const { trust, versions } = given.value;
    const { document } = trust;
    const [origin] = document.origins;
    if (!values.trial && document.origins.some(({ url }) => isOwnMachine(url))) {
      return fail(
        exits.refused,
        'own_machine',
        'The control plane is on this very machine. Whoever takes it would find your root key here too. Run writ trust recover on your own computer. (To try things out: --trial.)',
      );
    }

    context.terminal.err(`${document.home}, trust version ${document.version}:\n  ${trust.digest}\n`);
    const same = await confirm(
      context,
      'Is this the digest that writ-relay trust show tells at the console of a host?',
      values.yes,
    );
    if (same !== true) return same;
    const paper = await askPaperKey(context, 'The root key on paper: ');
    if (!paper.ok) return paper;
    const roots = await Promise.all(document.roots.map(({ jwk }) => thumbprint(jwk)));
    if (!roots.includes(paper.value.kid)) {
      return fail(
        exits.refused,
        'root_unknown',
        `That key is no root of this home. Is ${path} of another home, or the paper an old one? Nothing was done.`,
      );
    }
    const phrase = values.trial ? null : await newPassphrase(context, values['passphrase-file']);
    if (phrase !== null && !phrase.ok) return phrase;

    const made = await makeKeys(context, trust, paper.value, phrase?.value ?? null);
    if (!made.ok) return made;
    const { next, desk, operator } = made.value;
    context.terminal.err(`${(await changesInWords(document, next.document)).join('\n')}\n`);
    makePrivateDirectory(dirname(pending));
    rmSync(pending, { recursive: true, force: true });
    makePrivateDirectory(pending);
    writeChain(pending, [...versions, next.jws]);
    const file = {
      v: 1 as const,
      home: document.home,
      origin: origin!.url,
      spki: origin!.spki ?? null,
      trial: values.trial,
    };
    // home.json is written last: only a directory that holds all of it is gone on with.
    writeHome(pending, { file, operator, root: desk, trust: next });
    return finish(context, pending, values.offline);
  },
});

async function readVersions(
  path: string,
): Promise<{ ok: true; value: { trust: Trust; versions: readonly TrustJws[] } } | Failure> {
  const invalid = (why: string): Failure =>
    fail(exits.usage, 'trust_file_invalid', `${path} does not hold the versions of trust: ${why}.`);
  let text: string | null;
  try {
    text = readTextFile(path, maxTrustChainBytes);
  } catch (error) {
    return invalid((error as Error).message);
  }
  if (text === null) return fail(exits.usage, 'trust_file_missing', `There is no file ${path}.`);
  const parsed = parsePayload(Buffer.from(text), trustChainSchema, maxTrustChainBytes);
  if (!parsed.ok) return invalid(parsed.detail ?? parsed.reason);
  const { versions } = parsed.value;
  // What signed the first is the file's own word: its owner compares the digest of the last.
  const [first, ...others] = versions;
  const bytes = decodeBase64url(first?.payload ?? '');
  if (first === undefined || !bytes.ok) return invalid('there is none in it');
  const oldest = await acceptFirstTrust(first, { digest: await digestOf('trust', bytes.value) });
  if (!oldest.ok) return invalid(oldest.detail ?? oldest.reason);
  const { trust, refusal } = await followTrustChain(oldest.value, others);
  if (refusal !== null) return invalid(refusal.detail ?? refusal.reason);
  return { ok: true, value: { trust, versions } };
}

type Made = {
  readonly next: Trust;
  readonly desk: RootFile;
  readonly operator: Awaited<ReturnType<typeof generateKey>>['secret'];
};

/** New keys in place of those that were on the lost computer, and the version that says so. */
async function makeKeys(
  context: Context,
  current: Trust,
  paper: SigningKey,
  passphrase: string | null,
): Promise<{ ok: true; value: Made } | Failure> {
  const before = current.document;
  const owner = before.identities[operatorName];
  if (owner?.kind !== 'key') return fail(exits.refused, 'identity_unknown', 'Trust names no operator.');
  const [desk, operator] = await Promise.all([generateKey(), generateKey()]);
  const changed: TrustDocument = {
    ...before,
    roots: before.roots.map((root) =>
      root.kid === 'root-desk' ? { kid: root.kid, jwk: desk.signing.jwk } : root,
    ),
    identities: { ...before.identities, [operatorName]: { ...owner, jwk: operator.signing.jwk } },
  };
  const document = nextVersion(changed, current.digest, context.now());
  const next = await acceptNextTrust(current, await signTrust(document, [paper, desk.signing]));
  if (!next.ok) {
    return fail(
      exits.refused,
      next.reason,
      `The root on paper cannot sign the next version alone: ${next.detail ?? next.reason}. Nothing was done.`,
    );
  }
  const root =
    passphrase === null
      ? ({ v: 1, sealed: 'trial', secret: desk.secret } as const)
      : await sealRoot(desk.secret, passphrase);
  return { ok: true, value: { next: next.value, desk: root, operator: operator.secret } };
}

/** Hands the version to the control plane and moves the home to its place. May be repeated. */
async function finish(
  context: Context,
  pending: string,
  offline: boolean,
): Promise<ReturnType<typeof done> | Failure> {
  const home = await readHome(pending);
  if (!home.ok) return home;
  if (!offline) context.progress.say('Handing the new version to the control plane');
  const sent: { ok: true } | (Failure & { ambiguous?: boolean }) = offline
    ? { ok: true }
    : await sendToAnyOrigin(context, home.value);
  const { document, digest } = home.value.trust;
  if (!sent.ok && (sent.problem === undefined || sent.ambiguous)) {
    return {
      ...sent,
      detail: `${sent.detail}\nVersion ${document.version} is signed, and its keys are in ${pending}: run the same command again.`,
    };
  }
  if (!sent.ok) {
    // Its word alone destroys no key: what was signed is in its hands now.
    const aside = `${context.configDir}.refused-${digest.slice('sha256:'.length).slice(0, 16)}`;
    renameDirectory(pending, aside);
    const hint = ['trust_version', 'trust_chain', 'trust_threshold'].includes(sent.reason)
      ? '\nThe file may be old: take it from a host that was on line lately, and begin again.'
      : '';
    return {
      ...sent,
      detail: `${sent.detail}${hint}\nBy the control plane’s word, nothing has changed. The keys of version ${document.version} are in ${aside}. If the control plane is not yours any more, name that folder ${context.configDir}, and bring the version to the hosts: writ trust publish trust.jws --offline`,
    };
  }
  renameDirectory(pending, context.configDir);
  return done(
    [
      `${document.home} is yours again, by trust version ${document.version}. Its keys are in ${context.configDir}.`,
      offline
        ? 'The control plane and the relays know nothing of it yet: writ trust publish trust.jws --offline writes the file for the mirror and for writ-relay trust install.'
        : 'Relays follow by themselves.',
      'What is on the lost computer counts for nothing any more; your paper stays valid.',
      ...(document.mirror === null
        ? []
        : [`Relays also look at ${document.mirror}: writ trust publish trust.jws, and put the file there.`]),
    ].join('\n'),
    { home: document.home, config: context.configDir, version: document.version, digest },
  );
}

/** Tries the origins of trust in their order, and keeps the one that answers as the home's. */
async function sendToAnyOrigin(
  context: Context,
  home: Home,
): Promise<{ ok: true } | (Failure & { readonly ambiguous?: boolean })> {
  const chain = readChain(home);
  if (!chain.ok) return chain;
  let last: ApiFailure | null = null;
  for (const { url, spki } of home.trust.document.origins) {
    const file = { ...home.file, origin: url, spki: spki ?? null };
    const api = createApi({ ...context, ...file, operator: home.operator });
    const sent = await sendTrust(api, chain.value, home.trust.digest);
    if (sent.ok && url !== home.file.origin) writeHomeFile(home.directory, file);
    if (sent.ok || sent.exit !== exits.unreachable || sent.ambiguous) return sent;
    last = sent;
  }
  if (last === null) throw new Error('trust names an origin');
  return last;
}
