import { operatorName } from '../../../schema/trust/document.ts';
import { checkStep, findGrant } from '../../../schema/trust/evaluate.ts';
import { judgePath } from '../../../schema/trust/paths.ts';
import type { Trust } from '../../../schema/trust/read.ts';
import { releaseAction } from '../../../schema/wire/release-order.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import type { Parts } from './only.ts';
import type { Chosen } from './select.ts';

/** Something that relays would refuse, told before anything is signed. */
export type Breach = {
  readonly target: string;
  readonly code: string;
  /** One sentence, without a full stop. */
  readonly text: string;
};

/** Paths that a part writes, and those that it takes away, each with the app that they are of. */
function touched(chosen: Chosen, running: Parts): { path: string; app: string; goes: boolean }[] {
  const { part } = chosen;
  const written = [
    ...part.files.map(({ path, app }) => ({ path, app, goes: false })),
    ...part.apps.flatMap(({ name, dirs }) => dirs.map(({ path }) => ({ path, app: name, goes: false }))),
  ];
  const stays = new Set(written.map(({ path }) => path));
  const removed = (running.get(chosen.target)?.files ?? [])
    .filter(({ path, manage }) => !stays.has(path) && manage === 'exact')
    .map(({ path, app }) => ({ path, app, goes: true }));
  return [...written, ...removed];
}

/**
 * What of these parts the operator may not order, by the same rules by which relays judge: the house's relay, a grant of
 * release.apply on each target, and paths.
 */
export function judgeParts(trust: Trust, chosen: readonly Chosen[], running: Parts): Breach[] {
  return chosen.flatMap((one): Breach[] => {
    const { target, relay, digest } = one;
    const breach = (code: string, text: string): Breach => ({ target, code, text });
    const step = { relay, action: releaseAction, target, params: { part: digest }, after: [] };
    const fits = checkStep(trust, step);
    if (!fits.ok) return [breach(fits.reason, fits.detail ?? fits.reason)];
    const grant = findGrant(trust, operatorName, releaseAction, target);
    if (grant === null)
      return [breach('not_granted', `${operatorName} may not order ${releaseAction} on ${target}`)];
    return touched(one, running).flatMap(({ path, app, goes }) => {
      const verdict = judgePath(grant.paths ?? [], path);
      if (verdict === 'allowed') return [];
      const what = `${path} of ${app} on ${target}${goes ? ', which would be removed,' : ''}`;
      return [
        breach(
          verdict,
          verdict === 'path_never'
            ? `${what} is what no release may touch`
            : `${what} is not among the paths that trust grants`,
        ),
      ];
    });
  });
}

const mostTold = 20;

/** All that relays would refuse, as the end of a command; null where there is nothing. */
export function breachesFailure(breaches: readonly Breach[]): Failure | null {
  const [first] = breaches;
  if (first === undefined) return null;
  const lines = breaches.slice(0, mostTold).map(({ text }) => `${text}.`);
  if (breaches.length > mostTold) lines.push(`… and ${breaches.length - mostTold} more.`);
  lines.push('Relays would refuse it by your trust document. Nothing was signed or uploaded.');
  return fail(exits.refused, first.code, lines.join('\n'));
}
