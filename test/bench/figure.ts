/** One figure of the bench; `value` and `limit` are in `unit`, and null where they could not be had. */
export type Figure = {
  readonly name: string;
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: string;
  readonly reached: boolean | null;
  readonly note: string;
};

/** A figure that is reached by being at most, or at least, its limit. */
export function figure(
  name: string,
  value: number,
  bound: { readonly atMost?: number; readonly atLeast?: number },
  unit: string,
  note = '',
): Figure {
  const limit = bound.atMost ?? bound.atLeast ?? null;
  const reached =
    limit === null ? null : bound.atMost !== undefined ? value <= bound.atMost : value >= bound.atLeast!;
  return { name, value: round(value), limit, unit, reached, note };
}

/** A figure that this machine cannot measure. */
export const unmeasured = (name: string, unit: string, note: string): Figure => ({
  name,
  value: null,
  limit: null,
  unit,
  reached: null,
  note,
});

export const round = (value: number): number => Number(value.toPrecision(3));

/** The value below which a share of the values lie; 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** A line for people. */
export function lineOf({ name, value, limit, unit, reached, note }: Figure): string {
  const mark = reached === null ? ' ' : reached ? '✓' : '✗';
  const said = value === null ? 'not measured' : `${value} ${unit}`;
  const bound = limit === null ? '' : `(limit ${limit})`;
  return `${mark} ${name.padEnd(38)} ${said.padEnd(22)} ${bound.padEnd(14)} ${note}`.trimEnd();
}
