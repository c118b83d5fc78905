/** A mutant that no test notices, and why none could or need. */
export type Survivor = {
  readonly path: string;
  /** The line of the source that the mutant is on, without its indentation. */
  readonly line: string;
  readonly before: string;
  readonly after: string;
  readonly why: string;
};

/** Every mutant that survives, each with the reason. `npm run test:mutation` fails on one that is not here. */
export const survivors: readonly Survivor[] = [];
