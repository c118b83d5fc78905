import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChecker } from './checkers.ts';

/** What metrics say from one minute on: the value that they have then stays until the next. */
export type Course = Readonly<Record<string, readonly (readonly [minute: number, value: number | 'gone'])[]>>;

export type Raised = { readonly labels: Readonly<Record<string, string>>; readonly summary: string };

/** At a minute, the alerts of a name that fire. */
export type Expected = {
  readonly minute: number;
  readonly alert: string;
  readonly raised: readonly Raised[];
};

const untilMinute = (course: Course): number =>
  Math.max(...Object.values(course).flatMap((changes) => changes.map(([minute]) => minute))) + 4000;

/** As promtool writes series: a value and how often it comes again; `_` where there is none. */
function valuesOf(changes: Course[string], end: number): string {
  const parts = changes[0]![0] > 0 ? [`_x${changes[0]![0]}`] : [];
  for (const [index, [minute, value]] of changes.entries()) {
    const count = (changes[index + 1]?.[0] ?? end) - minute;
    if (value === 'gone') parts.push('stale', ...(count > 1 ? [`_x${count - 1}`] : []));
    else parts.push(`${value}x${count - 1}`);
  }
  return parts.join(' ');
}

/**
 * Has promtool play courses of metrics against rules. Gives what it says where alerts are others than expected, and an
 * empty text where they are as expected; null where there is no promtool.
 */
export function playRules(
  rules: string,
  plays: readonly { readonly course: Course; readonly expected: readonly Expected[] }[],
): string | null {
  const [checker] = findChecker('promtool');
  if (checker === undefined) return null;
  const folder = mkdtempSync(join(tmpdir(), 'writ-rules-'));
  try {
    writeFileSync(join(folder, 'rules.yml'), rules);
    const tests = plays.map(({ course, expected }) => ({
      interval: '1m',
      input_series: Object.entries(course).map(([series, changes]) => ({
        series,
        values: valuesOf(changes, untilMinute(course)),
      })),
      alert_rule_test: expected.map(({ minute, alert, raised }) => ({
        eval_time: `${minute}m`,
        alertname: alert,
        exp_alerts: raised.map(({ labels, summary }) => ({
          exp_labels: labels,
          exp_annotations: { summary },
        })),
      })),
    }));
    writeFileSync(
      join(folder, 'test.yml'),
      JSON.stringify({ rule_files: ['rules.yml'], evaluation_interval: '1m', tests }),
    );
    const [program, ...words] = checker.argv;
    const done = spawnSync(program!, [...words, 'test', 'rules', join(folder, 'test.yml')], {
      encoding: 'utf8',
    });
    return done.status === 0 ? '' : `${done.stdout}${done.stderr}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
