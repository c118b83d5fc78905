import type { Course } from './rule-test.ts';

/** One alert: when it is raised, when it ends, and what it is not raised by. */
export type Play = {
  /** What is wrong from the first minute on and right again from `ends` on. */
  readonly bad: Course;
  /** The minute by which it must be raised, and one before, at which it must not be. */
  readonly raised: number;
  readonly before?: number;
  readonly ends?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  /** Courses of which nothing may be raised. */
  readonly quiet: readonly Course[];
};
