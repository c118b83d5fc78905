import type { Trust } from '../../../schema/trust/read.ts';
import type { Context } from '../command.ts';
import { type Done, done, type Exit, exits, type Failure } from '../outcome.ts';
import type { Session } from '../session.ts';
import { listed } from '../text.ts';
import type { Sleepers } from './sleepers.ts';
import { type Errand, putBack, type Vigil, wakeSleepers } from './wake.ts';
import { codeText } from './words.ts';

/**
 * Does something while what sleeps is awake for it, and puts that back afterwards whatever came of it. An end that was
 * bad stays the end; a good one is spoilt by what could not be put back, unless somebody uses it.
 */
export async function keepAwake(
  context: Context,
  session: Session,
  trust: Trust,
  sleepers: Sleepers,
  work: () => Promise<Done | Failure>,
): Promise<Done | Failure> {
  const woke = await wakeSleepers(context, session, trust, sleepers);
  const outcome = woke.failure ?? (await settled(work));
  // Whoever gives up wants no more orders signed.
  const back = context.signal.aborted
    ? { vigil: woke.vigil, failure: null }
    : await putBack(context, session, trust, woke.vigil);
  const lines = [
    ...errandLines(back.vigil),
    ...(back.failure === null ? [] : [back.failure.detail]),
    ...standingLines(back.vigil.woken, woke.vigil.unsure ?? []),
  ];
  if ('thrown' in outcome) {
    context.progress.end();
    context.terminal.err(lines.map((line) => `${line}\n`).join(''));
    throw outcome.thrown;
  }
  if (!outcome.ok) return { ...outcome, detail: [outcome.detail, ...lines].join('\n') };
  const { errands, woken } = back.vigil;
  const json = { ...(outcome.json as object), woken: { errands, standing: woken } };
  const own = outcome.exit ?? exits.ok;
  return done([outcome.text, ...lines].join('\n'), json, own === exits.ok ? exitOfBack(back) : own);
}

/** What was thrown is no end yet: there is something to be put back. */
const settled = (
  work: () => Promise<Done | Failure>,
): Promise<Done | Failure | { readonly thrown: unknown }> => work().catch((thrown: unknown) => ({ thrown }));

const endings: ReadonlySet<string> = new Set(['host.shutdown', 'guest.shutdown']);

function exitOfBack({ vigil, failure }: Awaited<ReturnType<typeof putBack>>): Exit {
  if (failure !== null) return failure.exit;
  const ends = vigil.errands.filter(({ action }) => endings.has(action)).map(({ end }) => end);
  if (ends.includes('failed')) return exits.failed;
  return ends.includes('unknown') ? exits.unconfirmed : exits.ok;
}

/** Ends that say all. */
const plain: ReadonlySet<Errand['end']> = new Set(['done', 'was_so', 'on_its_way', 'not_ordered']);

/** What came of waking and putting back, a line each. */
const errandLines = ({ errands }: Vigil): string[] =>
  errands.map(({ says, code, end }) =>
    plain.has(end) || code === null ? says : `${says} Code: ${codeText(code)}`,
  );

/** What stands when a command ends before its time, and how it is put back by hand; nothing where nothing does. */
function standingLines(woken: Vigil['woken'], unsure: Vigil['woken']): string[] {
  const all = [...woken, ...unsure];
  if (all.length === 0) return [];
  const names = (of: Vigil['woken']) => listed(of.map(({ name }) => name));
  const were = woken.length === 1 ? 'was' : 'were';
  const told = [
    ...(woken.length === 0 ? [] : [`${names(woken)} ${were} woken for it, and not put back.`]),
    ...(unsure.length === 0 ? [] : [`${names(unsure)} may be on by now.`]),
  ];
  return [
    `${told.join(' ')} To ${woken.length === 0 ? 'put that back' : 'do that'}, in this order:`,
    ...all
      .sort((a, b) => Number(a.on === 'host') - Number(b.on === 'host'))
      .map(({ name, on }) => `  writ ${on === 'host' ? 'sleep' : 'shutdown'} ${name}`),
  ];
}
