import type { UnsignedOrder } from '../../src/cli/ci/order-file.ts';
import type { TargetOutcome } from '../../src/cli/deploy/outcome.ts';
import { endWords } from '../../src/cli/deploy/prove.ts';
import { codeText, todoOf } from '../../src/cli/deploy/words.ts';
import type { Failure } from '../../src/cli/outcome.ts';
import type { Runner } from '../runner/runner.ts';
import { markdownBlock } from '../runner/workflow-command.ts';

/** Shows why nothing is known to have come of it, and gives the step's exit. */
export function tellFailure(runner: Runner, { exit, reason, detail }: Failure): number {
  runner.annotate('error', `${detail} (${reason})`, { title: 'Writ' });
  runner.summarise(`### Writ: not deployed\n\n${markdownBlock(`${detail}\n(${reason})`)}`);
  return exit;
}

const waits = new Set<TargetOutcome['end']>(['pending', 'staged', 'activated']);

/** What came of a target, in one sentence or two. */
function sentenceOf({ end, code }: TargetOutcome, id: string): string {
  if (end === 'healthy') return 'It is healthy.';
  const what = `${endWords[end]}${code === null ? '' : `: ${codeText(code)}`}.`;
  const more = waits.has(end)
    ? [`The order stays, and is done once it can be. See: writ deployments ${id}`]
    : code === null
      ? []
      : todoOf(code);
  return [what[0]!.toUpperCase() + what.slice(1), ...more].join(' ');
}

/** Shows what came of each target: failures at the files that are about what changed there. */
export function tellOutcomes(
  runner: Runner,
  { id, outcomes }: { readonly id: string; readonly outcomes: readonly TargetOutcome[] },
  { order, places }: Pick<UnsignedOrder, 'order' | 'places'>,
): void {
  const rows = outcomes.map((outcome) => ({ outcome, said: sentenceOf(outcome, id) }));
  for (const { outcome, said } of rows) {
    const { target, end, receipt } = outcome;
    if (end === 'healthy') {
      runner.log(`${target}: ${said}`);
      continue;
    }
    const isTold = receipt !== null || end === 'unknown';
    const signed = isTold ? '' : ' No relay has signed what came of it.';
    for (const file of places[target] ?? ['homelab.yaml']) {
      runner.annotate('error', `${target}: ${said}${signed}`, {
        title: `Writ: ${target}`,
        place: { file, line: 1 },
      });
    }
  }
  const good = outcomes.every(({ end }) => end === 'healthy');
  const head = good ? 'deployed' : 'not everything is deployed';
  runner.summarise(
    [
      `### Writ: ${head}`,
      '',
      `Commit \`${order.commit}\`, \`${id}\`. What stands here as healthy, its relay has signed.`,
      '',
      '| target | |',
      '| --- | --- |',
      ...rows.map(({ outcome, said }) => `| \`${outcome.target}\` | ${said.replaceAll('|', '\\|')} |`),
    ].join('\n'),
  );
}
