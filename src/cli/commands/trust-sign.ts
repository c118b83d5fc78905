import * as v from 'valibot';
import { digestSchema } from '../../../schema/jose/digest.ts';
import { describeIssue } from '../../../schema/jose/jws.ts';
import { parseStrictJson } from '../../../schema/jose/strict-json.ts';
import { type TrustDocument, trustDocumentSchema } from '../../../schema/trust/document.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { maxTrustBytes } from '../../../schema/wire/limits.ts';
import { defineCommand } from '../command.ts';
import { readTextFile } from '../files.ts';
import { readHouseFrom } from '../house-source.ts';
import { changeHouse, nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isSame } from '../same.ts';
import { openSession, trustToChange } from '../session.ts';
import { signingOptions, signNext } from '../sign-trust.ts';

/** What `writ trust show --json` prints, or its document alone. */
const editedSchema = v.union([
  v.strictObject({ digest: digestSchema, document: trustDocumentSchema }),
  trustDocumentSchema,
]);

export const trustSign = defineCommand({
  name: 'trust sign',
  summary: 'Sign the next version of trust: from a house file, from an edited document, or to renew it',
  usage: '[FILE]',
  more: [
    'FILE is the house file or homelab.yaml: hosts, guests and what may be ordered are taken from it, as by writ house set, which also takes its runbooks.',
    'An edited document is the answer of writ trust show --json, changed in an editor: origins, threshold, other keys and what they may order. Its version, and the version that it follows, are set here; so is its end, unless that was edited.',
    'With both, the house file has the last word on what it says. With neither, the same document is signed again, so that it holds for another year and a half.',
  ],
  examples: [
    { line: 'writ trust sign', about: 'renew it before it expires' },
    { line: 'writ trust sign homelab.yaml', about: 'take over what changed in the house' },
    { line: 'writ trust sign --document trust.json', about: 'take over what was edited' },
  ],
  options: {
    document: { type: 'text', value: 'FILE', about: 'an edited answer of writ trust show --json' },
    ...signingOptions,
  },
  async run(context, [housePath], values) {
    const house = housePath === undefined ? null : readHouseFrom(housePath);
    if (house !== null && !house.ok) return house;
    const session = await openSession(context, values);
    if (!session.ok) return session;
    const trust = await trustToChange(session.value, values.offline);
    if (!trust.ok) return trust;
    const current = trust.value;

    const edited = values.document === undefined ? null : readEdited(values.document, current);
    if (edited !== null && !edited.ok) return edited;
    const base = edited?.value ?? current.document;
    const changed =
      house === null
        ? null
        : changeHouse({ document: base, digest: current.digest }, house.value, context.now());
    if (changed !== null && !changed.ok) {
      return fail(exits.usage, changed.reason, changed.detail ?? changed.reason);
    }
    const notes = changed?.value.notes ?? [];
    const wanted = changed?.value.document ?? base;
    const isRenewal = house === null && edited === null;
    if (!isRenewal && isEqual(wanted, current.document)) {
      return done(
        [
          ...notes,
          `Nothing changes: trust stays version ${current.document.version}, until ${current.document.expires}.`,
        ].join('\n'),
        { version: current.document.version, signed: false, notes },
      );
    }
    const dated = nextVersion(wanted, current.digest, context.now());
    const document = {
      ...dated,
      version: current.document.version + 1,
      expires: base.expires === current.document.expires ? dated.expires : base.expires,
    };
    const signed = await signNext(context, session.value, current, { document, notes }, values);
    if (!signed.ok) return signed;
    const { version, expires } = signed.value.trust.document;
    return done(
      [
        ...(values.yes ? signed.value.told : []),
        `Trust version ${version} is signed; it holds until ${expires}.`,
        ...signed.value.next,
      ].join('\n'),
      { version, digest: signed.value.trust.digest, signed: true, notes },
    );
  },
});

/** Whether two documents say the same, but for which version they are. */
function isEqual(one: TrustDocument, other: TrustDocument): boolean {
  const { version: _, previous: __, ...said } = one;
  const { version: ___, previous: ____, ...otherSaid } = other;
  return isSame(said, otherSaid);
}

/** The document of a file that was made from the version in force. */
function readEdited(path: string, current: Trust): { ok: true; value: TrustDocument } | Failure {
  const invalid = (why: string): Failure =>
    fail(exits.usage, 'document_invalid', `${path} is no trust document: ${why}. Nothing was signed.`);
  let text: string | null;
  try {
    text = readTextFile(path, 2 * maxTrustBytes);
  } catch (error) {
    return invalid((error as Error).message);
  }
  if (text === null) return fail(exits.usage, 'document_missing', `There is no file ${path}.`);
  const parsed = parseStrictJson(text, { maxBytes: 2 * maxTrustBytes });
  if (!parsed.ok) return invalid(parsed.detail ?? parsed.reason);
  const shaped = v.safeParse(editedSchema, parsed.value);
  if (!shaped.success) {
    // Of a union only the branch that was meant says what is wrong.
    const meant = v.safeParse(trustDocumentSchema, documentIn(parsed.value));
    return invalid(describeIssue((meant.success ? shaped.issues : meant.issues)[0]));
  }
  const { document, digest } =
    'document' in shaped.output ? shaped.output : { document: shaped.output, digest: current.digest };
  if (digest !== current.digest || document.version !== current.document.version) {
    return fail(
      exits.refused,
      'trust_version',
      `${path} was made from version ${document.version}, and version ${current.document.version} has come since, or says otherwise. Edit what writ trust show --json says now. Nothing was signed.`,
    );
  }
  return { ok: true, value: document };
}

const documentIn = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'document' in value ? value.document : value;
