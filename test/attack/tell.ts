import { isControl } from './attack.ts';
import { isGood, type Outcome } from './run.ts';

const colours = { won: 31, failed: 31, executed: 36, refused: 32, nothing: 32 } as const;

const words: Readonly<Record<Outcome['result'], string>> = {
  won: 'WON',
  failed: 'FAILED',
  executed: 'executed',
  refused: 'refused',
  nothing: 'nothing came of it',
};

/** Paints only where somebody watches and has not asked otherwise. */
export const painter =
  (output: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>>) =>
  (code: number, text: string): string =>
    output.isTTY === true && (env.NO_COLOR ?? '') === '' ? `\u001b[${code}m${text}\u001b[0m` : text;

/** One line an attack. */
export function lineOf(outcome: Outcome, place: string, paint: ReturnType<typeof painter>): string {
  const { name, threat, result, codes, why, must } = outcome;
  const said = must === 'win' && result === 'won' ? 'WON, as it must' : words[result];
  const code = isGood(outcome) ? colours[isControl(outcome) ? 'executed' : result] : 31;
  const more = result === 'won' || result === 'failed' ? why : codes;
  const tail = more.length === 0 ? '' : ` (${more.slice(0, 4).join('; ')}${more.length > 4 ? '; …' : ''})`;
  return `${place} threat ${String(threat).padStart(2)}  ${name.padEnd(34)} ${paint(code, said)}${tail}`;
}

/** What it all comes to, in two or three sentences. */
export function summaryOf(outcomes: readonly Outcome[]): string {
  const attacks = outcomes.filter((outcome) => !isControl(outcome));
  const count = (result: Outcome['result']): number =>
    attacks.filter((outcome) => outcome.result === result).length;
  const controls = outcomes.filter(isControl);
  const blind = controls.filter((outcome) => !isGood(outcome));
  const sight =
    controls.length === 0
      ? 'No control was run, so this proves little: see docs/attack.md.'
      : blind.length === 0
        ? `${controls.length} controls came out as they must, so executions and wins are seen.`
        : `NOT as it must: ${blind.map(({ name }) => name).join(', ')}. What this program says is worth nothing.`;
  return [
    `${attacks.length} attacks: ${count('won')} won, ${count('refused')} refused, ${count('nothing')} without effect,`,
    `${count('executed')} executed within the grants, ${count('failed')} failed to run.`,
    sight,
  ].join(' ');
}
