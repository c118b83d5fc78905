import { atStart } from '../../../schema/actions/sentence.ts';
import { ageKindOf } from '../../../schema/wire/age-recipient.ts';
import { defineCommand } from '../command.ts';
import { nextVersion } from '../make-trust.ts';
import { done, exits, type Failure, fail } from '../outcome.ts';
import { isSame } from '../same.ts';
import { encryptSecret } from '../secrets/age.ts';
import { readKnown } from '../secrets/known.ts';
import { openSession, trustToChange } from '../session.ts';
import { signingOptions, signNext } from '../sign-trust.ts';

const usage = (detail: string): Failure => fail(exits.usage, 'usage', `${detail} Nothing was signed.`);
const mostReaders = 8;

export const trustReaders = defineCommand({
  name: 'trust readers',
  summary: 'Say who may read what an app said when it failed',
  usage: '[RECIPIENT…]',
  more: [
    'When a release fails on a target, its relay sends the last lines of the log, encrypted by age to the readers that trust names; the control plane cannot read them. Without a name it is you: the recipients of your own that this computer knows (writ secrets recipients). With names it is those, and nobody else.',
    'A target encrypts with its own age: Debian’s takes age1…, and age1pq1… needs age 1.3 there. Both together would protect no better than the first, so only one kind is taken.',
  ],
  examples: [
    { line: 'writ trust readers', about: 'you' },
    { line: 'writ trust readers age1… age1…', about: 'these, such as you and a safe' },
    { line: 'writ trust readers --none', about: 'nobody: relays send codes alone' },
  ],
  options: { none: { type: 'flag', about: 'nobody' }, ...signingOptions },
  async run(context, names, values) {
    if (values.none && names.length > 0) return usage('It is either --none or recipients.');
    const wanted = values.none ? ok([]) : readersOf(context.configDir, names);
    if (!wanted.ok) return wanted;
    // Relays would send nothing, and nobody would know why.
    const tried = await encryptSecret(new Uint8Array(), wanted.value);
    if (!tried.ok) return usage(`${atStart(tried.detail ?? tried.reason)}.`);
    const session = await openSession(context, values);
    if (!session.ok) return session;
    const trust = await trustToChange(session.value, values.offline);
    if (!trust.ok) return trust;
    const current = trust.value;
    const { recipients: before, ...others } = current.document;
    const readers = wanted.value;
    if (isSame(before ?? [], readers)) {
      return done(`Nothing changes: trust stays version ${current.document.version}.`, {
        version: current.document.version,
        readers,
      });
    }
    const changed = readers.length === 0 ? others : { ...others, recipients: [...readers] };
    const document = nextVersion(changed, current.digest, context.now());
    const signed = await signNext(context, session.value, current, { document, notes: [] }, values);
    if (!signed.ok) return signed;
    const { version } = signed.value.trust.document;
    return done(
      [
        ...(values.yes ? signed.value.told : []),
        `Trust version ${version} is signed: ${readers.length === 0 ? 'nobody reads' : 'its readers read'} what failing apps say.`,
        ...signed.value.next,
      ].join('\n'),
      { version, digest: signed.value.trust.digest, readers },
    );
  },
});

const ok = (value: readonly string[]) => ({ ok: true, value }) as const;

/** Those that are named, or the owner's own. */
function readersOf(
  configDir: string,
  names: readonly string[],
): { ok: true; value: readonly string[] } | Failure {
  const bad = names.find((name) => ageKindOf(name) === null);
  if (bad !== undefined)
    return usage(`${bad} is no recipient of age (age1… or age1pq1…), or has a slip in it.`);
  if (names.length > mostReaders) return usage(`There are at most ${mostReaders} readers.`);
  const classic = (of: readonly string[]): string[] => of.filter((one) => ageKindOf(one) === 'classic');
  const chosen = [...new Set(names)];
  if (chosen.length > 0) {
    const count = classic(chosen).length;
    return count === 0 || count === chosen.length
      ? ok(chosen)
      : usage('These are recipients of two kinds, age1… and age1pq1…: name those of one.');
  }
  const known = readKnown(configDir);
  if (!known.ok) return known;
  const { owner } = known.value;
  if (owner.length === 0) {
    return usage(
      'This computer knows no recipient of your own. Make an identity with writ secrets recipients --new-identity, or name a recipient.',
    );
  }
  const own = classic(owner);
  return ok((own.length > 0 ? own : owner).slice(0, mostReaders));
}
