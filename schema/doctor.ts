/** What one check of `doctor` found. `code` is stable; `mend` is what a person types or edits, null where there is nothing. */
export type Finding = {
  readonly code: string;
  /** `not_checked` says why in `says`: what it needs is not there. */
  readonly state: 'ok' | 'warning' | 'fault' | 'not_checked';
  readonly says: string;
  readonly mend: string | null;
};

export const fine = (code: string, says: string): Finding => ({ code, state: 'ok', says, mend: null });
export const warning = (code: string, says: string, mend: string): Finding => ({
  code,
  state: 'warning',
  says,
  mend,
});
export const fault = (code: string, says: string, mend: string): Finding => ({
  code,
  state: 'fault',
  says,
  mend,
});
export const notChecked = (code: string, says: string): Finding => ({
  code,
  state: 'not_checked',
  says,
  mend: null,
});

const marks: Readonly<Record<Finding['state'], string>> = {
  ok: 'ok      ',
  warning: 'warning ',
  fault: 'FAULT   ',
  not_checked: 'not checked ',
};

/** Findings for people, the worst last, each with how to mend it; and a closing sentence. */
export function findingLines(findings: readonly Finding[]): string[] {
  const order: readonly Finding['state'][] = ['ok', 'not_checked', 'warning', 'fault'];
  const lines = order.flatMap((state) =>
    findings
      .filter((finding) => finding.state === state)
      .flatMap(({ code, says, mend }) => [
        `${marks[state]}${says} (${code})`,
        ...(mend === null ? [] : [`  to mend it: ${mend}`]),
      ]),
  );
  const count = (state: Finding['state']): number => findings.filter((one) => one.state === state).length;
  const [faults, warnings] = [count('fault'), count('warning')];
  const sum =
    faults + warnings === 0
      ? 'All that could be checked is as it should be.'
      : `${faults} ${faults === 1 ? 'fault' : 'faults'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.`;
  return [...lines, sum];
}

export const isHealthy = (findings: readonly Finding[]): boolean =>
  findings.every(({ state }) => state !== 'fault');
