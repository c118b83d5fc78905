import { decodeBase64url } from '../../../schema/jose/base64url.ts';
import { generateKey, type SecretJwk } from '../../../schema/jose/keys.ts';
import { operatorName, type TrustDocument } from '../../../schema/trust/document.ts';
import { type Context, defineCommand } from '../command.ts';
import { nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { paperLines, toPaper } from '../paper.ts';
import { newPassphrase } from '../passphrase.ts';
import { askPaperKey } from '../root-key.ts';
import { sealRoot } from '../seal.ts';
import { openSession, trustToChange } from '../session.ts';
import { type NextVersion, signingOptions, signNext } from '../sign-trust.ts';

type Made = Pick<NextVersion, 'roots' | 'root' | 'operator'> & {
  readonly document: TrustDocument;
  /** The paper root's private key as it is printed, where it was not typed back. */
  readonly paper: string | null;
};

export const trustRotate = defineCommand({
  name: 'trust rotate',
  summary: 'Replace one of your own keys: the desk root, the paper root, or the operator key',
  usage: 'desk|paper|operator',
  more: [
    'The next version names the new key in place of the old one. It is signed by the roots before it and by the new root, so that relays follow and nobody who holds the old key can go on.',
    'desk asks for a new passphrase, and so also changes that. paper prints a new key and has you type it back from the paper. operator makes the key anew that orders what you order from this computer.',
  ],
  examples: [
    { line: 'writ trust rotate desk', about: 'a new root on this computer, under a new passphrase' },
    { line: 'writ trust rotate desk --paper', about: 'the same, when the old passphrase is forgotten' },
    { line: 'writ trust rotate paper', about: 'the paper was seen or lost' },
  ],
  options: {
    'new-passphrase-file': {
      type: 'text',
      value: 'FILE',
      about: 'read the new passphrase from the first line of a file instead of asking',
    },
    ...signingOptions,
  },
  async run(context, [which = ''], values) {
    const maker = { desk: makeDesk, paper: makePaper, operator: makeOperator }[which];
    if (maker === undefined) {
      return fail(exits.usage, 'usage', 'It is writ trust rotate desk, paper or operator.');
    }
    const session = await openSession(context, values);
    if (!session.ok) return session;
    const trust = await trustToChange(session.value, values.offline);
    if (!trust.ok) return trust;
    const { document } = trust.value;
    const name = which === 'operator' ? operatorName : `root-${which}`;
    if (which !== 'operator' && !document.roots.some(({ kid }) => kid === name)) {
      return fail(exits.refused, 'root_unknown', `Trust names no ${name}.`);
    }
    const made = await maker(context, document, {
      trial: session.value.home.file.trial,
      passphraseFile: values['new-passphrase-file'],
      yes: values.yes,
    });
    if (!made.ok) return made;
    const { paper, ...next } = made.value;
    const signed = await signNext(
      context,
      session.value,
      trust.value,
      { ...next, document: nextVersion(next.document, trust.value.digest, context.now()), notes: [] },
      values,
    );
    if (!signed.ok) return signed;
    const { version } = signed.value.trust.document;
    return done(
      [
        ...(values.yes ? signed.value.told : []),
        `${name} is replaced by trust version ${version}.`,
        ...(which === 'paper' ? ['Destroy the old paper.'] : []),
        ...signed.value.next,
      ].join('\n'),
      {
        version,
        digest: signed.value.trust.digest,
        rotated: name,
        ...(paper !== null && { paper_root: paper }),
      },
    );
  },
});

type Wishes = { readonly trial: boolean; readonly passphraseFile: string | undefined; readonly yes: boolean };

const withRoot = (document: TrustDocument, kid: string, jwk: { x: string }): TrustDocument => ({
  ...document,
  roots: document.roots.map((root) => (root.kid === kid ? { kid, jwk: { ...root.jwk, x: jwk.x } } : root)),
});

async function makeDesk(
  context: Context,
  document: TrustDocument,
  { trial, passphraseFile }: Wishes,
): Promise<{ ok: true; value: Made } | Failure> {
  const phrase = trial ? null : await newPassphrase(context, passphraseFile, 'New passphrase');
  if (phrase !== null && !phrase.ok) return phrase;
  const { signing, secret } = await generateKey();
  const root =
    phrase === null ? ({ v: 1, sealed: 'trial', secret } as const) : await sealRoot(secret, phrase.value);
  return {
    ok: true,
    value: { document: withRoot(document, 'root-desk', signing.jwk), roots: [signing], root, paper: null },
  };
}

async function makePaper(
  context: Context,
  document: TrustDocument,
  { yes }: Wishes,
): Promise<{ ok: true; value: Made } | Failure> {
  const { signing, secret } = await generateKey();
  const paper = paperOf(secret);
  // Before anything is sent: once it is in force, it must be on paper, whatever becomes of the answer.
  context.progress.end();
  context.terminal.err(
    ['Write this on paper now; it is not stored.', '', ...paperLines(paper), '', ''].join('\n'),
  );
  if (!yes) {
    const typed = await askPaperKey(context, 'Type it back, from the paper: ');
    if (!typed.ok)
      return { ...typed, detail: `${typed.detail} Nothing was changed: the old paper is valid.` };
    if (typed.value.kid !== signing.kid) {
      return fail(
        exits.refused,
        'paper_differs',
        'That is another key than the one that was shown. Nothing was changed: the old paper is valid.',
      );
    }
  }
  return {
    ok: true,
    value: {
      document: withRoot(document, 'root-paper', signing.jwk),
      roots: [signing],
      paper: yes ? paper : null,
    },
  };
}

async function makeOperator(
  _: Context,
  document: TrustDocument,
): Promise<{ ok: true; value: Made } | Failure> {
  const { signing, secret } = await generateKey();
  const operator = document.identities[operatorName];
  if (operator?.kind !== 'key') return fail(exits.refused, 'identity_unknown', 'Trust names no operator.');
  const identities = { ...document.identities, [operatorName]: { ...operator, jwk: signing.jwk } };
  return { ok: true, value: { document: { ...document, identities }, operator: secret, paper: null } };
}

function paperOf(secret: SecretJwk): string {
  const seed = decodeBase64url(secret.d);
  if (!seed.ok) throw new Error('a made key is canonical');
  return toPaper(seed.value);
}
