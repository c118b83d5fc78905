import type { Trust } from '../../../schema/trust/read.ts';
import { hashesOfAudit } from '../audit-chain.ts';
import type { Context } from '../command.ts';
import { exits, type Failure, fail } from '../outcome.ts';
import { type Judgement, judgeWitnesses } from './judge.ts';
import { maxWitnesses, type OddLines, type ReadWitnesses, readWitnesses } from './read.ts';
import { readWitnessSource } from './source.ts';
import { confirmedText, conflictText, oddText, reasonOf } from './tell.ts';

/** Reads the witnesses of all sources. Refuses when there is none by a relay of this home. */
export async function gatherWitnesses(
  context: Context,
  trust: Trust,
  sources: readonly string[],
): Promise<{ ok: true; value: ReadWitnesses } | Failure> {
  const texts: string[] = [];
  for (const source of sources) {
    const text = await readWitnessSource(context, source);
    if (!text.ok) return text;
    texts.push(text.value);
  }
  const found = await readWitnesses(trust, texts.join('\n'));
  if (found === null) {
    return fail(
      exits.refused,
      'witnesses_too_many',
      `There are more than ${maxWitnesses} witnesses; none was looked at. Give those of a shorter time.`,
    );
  }
  if (found.witnesses.length === 0) {
    return fail(
      exits.refused,
      'witnesses_missing',
      `There is no witness by a relay of this home, so nothing is confirmed. ${oddText(found.odd)}`.trim(),
    );
  }
  return { ok: true, value: found };
}

export type WitnessedAudit = { readonly text: string; readonly json: Judgement & { readonly odd: OddLines } };

/** Compares a log with what relays saw of it. Refuses at whatever contradicts it, the first entry first. */
export async function checkWitnessed(
  entries: readonly string[],
  { witnesses, odd }: ReadWitnesses,
): Promise<{ ok: true; value: WitnessedAudit } | Failure> {
  const { hashes, broken } = await hashesOfAudit(entries);
  const judgement = judgeWitnesses(hashes, broken === null, witnesses);
  const [first] = judgement.conflicts;
  const texts = [
    ...judgement.conflicts.map((conflict) => conflictText(conflict, entries.length)),
    ...(judgement.more === 0 ? [] : [`${judgement.more} more entries were seen otherwise as well.`]),
    ...(broken === null ? [] : [`The log is not whole: ${broken}.`]),
  ];
  const rest = [confirmedText(judgement.confirmed, entries.length), oddText(odd)].filter(
    (text) => text !== '',
  );
  if (first !== undefined || broken !== null) {
    const reason = first === undefined ? 'chain_broken' : reasonOf(first);
    return fail(exits.refused, reason, [...texts, ...rest].join('\n'));
  }
  return { ok: true, value: { text: rest.join('\n'), json: { ...judgement, odd } } };
}
