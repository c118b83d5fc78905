import type { TestEvent } from 'node:test/reporters';

/** What came of the tests that have run; suites and files are not counted as tests. */
export type Tally = {
  tests: number;
  suites: number;
  pass: number;
  fail: number;
  cancelled: number;
  skipped: number;
  todo: number;
  /** False as soon as node itself says that a stage failed. */
  success: boolean;
  /** Tests that were left out without saying why. */
  silent: string[];
  /** Tests that were left out, with the reason. */
  left: string[];
};

export const emptyTally = (): Tally => ({
  tests: 0,
  suites: 0,
  pass: 0,
  fail: 0,
  cancelled: 0,
  skipped: 0,
  todo: 0,
  success: true,
  silent: [],
  left: [],
});

const countNames = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo'] as const;

/** Whether an event is one of the closing lines of one stage, which the whole run says once at its end. */
export function isClosing(event: TestEvent): boolean {
  if (event.type === 'test:summary') return true;
  return event.type === 'test:diagnostic' && event.data.nesting === 0 && event.data.file === undefined;
}

/** Adds what an event says to the tally. */
export function count(tally: Tally, event: TestEvent): void {
  if (event.type === 'test:summary' && event.data.file === undefined) {
    const { counts } = event.data;
    tally.tests += counts.tests;
    tally.suites += counts.suites;
    tally.pass += counts.passed;
    tally.fail += counts.tests - counts.passed - counts.cancelled - counts.skipped - counts.todo;
    if (!event.data.success) tally.success = false;
    tally.cancelled += counts.cancelled;
    tally.skipped += counts.skipped;
    tally.todo += counts.todo;
  }
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return;
  const reason = event.data.skip ?? event.data.todo;
  if (reason === undefined || reason === false) return;
  if (typeof reason === 'string' && reason.length > 0) tally.left.push(`${event.data.name}: ${reason}`);
  else tally.silent.push(event.data.name);
}

/** Node's own closing lines, for the whole run. */
export function closingEvents(tally: Tally, durationMs: number): TestEvent[] {
  const lines = [...countNames.map((name) => `${name} ${tally[name]}`), `duration_ms ${durationMs}`];
  return lines.map(
    (message) => ({ type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } }) as TestEvent,
  );
}

/** Whether the run may end well: something ran, nothing failed, nothing was left out in silence. */
export const passed = (tally: Tally): boolean =>
  tally.success && tally.tests > 0 && tally.fail === 0 && tally.cancelled === 0 && tally.silent.length === 0;
