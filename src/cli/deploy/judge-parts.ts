import { lackingFor } from '../../../schema/change/part-needs.ts';
import type { Refusal } from '../../../schema/result.ts';
import { operatorName } from '../../../schema/trust/document.ts';
import { checkStep, findGrant } from '../../../schema/trust/evaluate.ts';
import { judgePart, judgeRemoved, type PartRefusal, unitsOf } from '../../../schema/trust/judge-part.ts';
import { judgeUnit } from '../../../schema/trust/judge-unit.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { own } from '../../../schema/wire/record.ts';
import type { ReleasePart } from '../../../schema/wire/release.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { isOwnRoot } from '../ca/repo.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import type { Blobs } from './blobs.ts';
import type { Parts } from './only.ts';
import type { Chosen } from './select.ts';

/** Something that relays would refuse, told before anything is signed. */
export type Breach = {
  readonly target: string;
  readonly code: string;
  /** One sentence, without a full stop. */
  readonly text: string;
};

/**
 * What of these parts relays would refuse from whoever signs here, by the very rules by which they judge: the house's relay, a
 * grant of release.apply on each target, paths, units, and what cannot be done yet.
 *
 * @param blobs bytes of units, as far as they are here
 * @param caRoot the root of the private CA on this computer; null: it has none
 * @param signer the identity whose key is to sign them
 */
export function judgeParts(
  trust: Trust,
  chosen: readonly Chosen[],
  running: Parts,
  blobs: Blobs,
  caRoot: string | null,
  signer: string = operatorName,
): Breach[] {
  return chosen.flatMap(({ target, relay, digest, part }): Breach[] => {
    const breach = (code: string, text: string): Breach => ({ target, code, text });
    const step = { relay, action: releaseAction, target, params: { part: digest }, after: [] };
    const fits = checkStep(trust, step);
    if (!fits.ok) return [breach(fits.reason, fits.detail ?? fits.reason)];
    const grant = findGrant(trust, signer, releaseAction, target);
    if (grant === null)
      return [breach('not_granted', `${signer} may not order ${releaseAction} on ${target}`)];
    const lacking = lackingFor(part, own(trust.document.house.guests, target)?.kind === 'qemu');
    return [
      ...(lacking.length === 0
        ? []
        : [
            breach('part_needs_more', `${target} would need what no relay can do yet: ${lacking.join(', ')}`),
          ]),
      ...certBreaches(part, caRoot).map(({ code, detail }) => breach(code, `${detail} on ${target}`)),
      ...pathBreaches(grant.paths ?? [], part, running.get(target)).map(({ app, reason, detail, goes }) =>
        breach(
          reason,
          `${detail} of ${app} on ${target}${goes ? ', which would be removed,' : ''} ${words[reason]}`,
        ),
      ),
      ...unitBreaches(part, blobs).map(({ code, detail }) => breach(code, `${detail}, on ${target}`)),
    ];
  });
}

const words: Readonly<Record<PartRefusal, string>> = {
  path_not_granted: 'is not among the paths that trust grants',
  path_never: 'is what no release may touch',
  unit_takes_place: 'is a unit of Writ’s own',
  unit_fetched: 'is where units are, whose text is in the repo and not fetched',
};

type PathBreach = Refusal<PartRefusal> & { readonly app: string; readonly goes: boolean };

/** Each file by itself, and each app without its files: a relay ends at the first, and a person wants them all. */
function pathBreaches(
  granted: readonly string[],
  part: ReleasePart,
  before: ReleasePart | undefined,
): PathBreach[] {
  const bare = { ...part, apps: [], files: [] };
  const removed = (before?.files ?? []).map((file) => ({
    app: file.app,
    goes: true,
    judged: judgeRemoved(granted, { ...bare, files: [file] }, part),
  }));
  const all = [
    ...part.files.map((file) => ({
      app: file.app,
      goes: false,
      judged: judgePart(granted, { ...bare, files: [file] }),
    })),
    ...part.apps.map((app) => ({
      app: app.name,
      goes: false,
      judged: judgePart(granted, { ...bare, apps: [app] }),
    })),
    ...removed,
  ];
  return all.flatMap(({ app, goes, judged }) => (judged.ok ? [] : [{ ...judged, app, goes }]));
}

/** Certificates that nobody could make, or that somebody else's root would stand for. */
function certBreaches(part: ReleasePart, caRoot: string | null): { code: string; detail: string }[] {
  const apps = part.apps.filter(({ certs }) => certs.length > 0).map(({ name }) => name);
  if (apps.length === 0) return [];
  const about = `certificates of ${apps.join(', ')}`;
  if (part.authority === undefined)
    return [{ code: 'authority_missing', detail: `there is no intermediate for the ${about}` }];
  return isOwnRoot(part.authority, caRoot)
    ? []
    : [
        {
          code: 'authority_untrusted',
          detail: `the root in ca/ is not the one of this computer, for the ${about}`,
        },
      ];
}

const unitBreaches = (part: ReleasePart, blobs: Blobs): { code: string; detail: string }[] =>
  unitsOf(part).flatMap(({ name, digest }) => {
    const bytes = blobs.get(digest);
    const fault = bytes === undefined ? null : judgeUnit(name, new TextDecoder().decode(bytes));
    return fault === null ? [] : [fault];
  });

const mostTold = 20;

/** What to do about some of them. */
const tips: Readonly<Record<string, string>> = {
  path_not_granted: 'To grant a path, see docs/change-trust.md, "By hand"; or put the file elsewhere.',
  part_needs_more: 'docs/not-yet.md lists what is planned.',
  authority_missing: 'Make the private CA and sign for the host: writ ca init, writ ca sign.',
  authority_untrusted:
    'If this is the computer with your private CA, somebody put another root into the repo; writ ca init puts yours back.',
  not_granted: 'To grant it, see docs/change-trust.md.',
  relay_wrong: 'The repo and trust place it on different hosts: writ trust sign.',
  target_unknown: 'The repo names what trust does not: writ trust sign.',
};

/** All that relays would refuse, as the end of a command; null where there is nothing. */
export function breachesFailure(breaches: readonly Breach[]): Failure | null {
  const [first] = breaches;
  if (first === undefined) return null;
  const lines = breaches.slice(0, mostTold).map(({ text }) => `${text}.`);
  if (breaches.length > mostTold) lines.push(`… and ${breaches.length - mostTold} more.`);
  const codes = new Set(breaches.map(({ code }) => code));
  lines.push(...Object.entries(tips).flatMap(([code, tip]) => (codes.has(code) ? [tip] : [])));
  lines.push('Relays would refuse it. Nothing was signed or uploaded.');
  return fail(exits.refused, first.code, lines.join('\n'));
}
