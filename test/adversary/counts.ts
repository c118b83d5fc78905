/** What traces reached. */
export type Counts = {
  offers: number;
  executed: number;
  byController: number;
  byOperator: number;
  after: number;
  releases: number;
  byWorkflow: number;
  /** By a token that had ended, which a notary had seen alive. */
  attested: number;
};

export const noCounts = (): Counts => ({
  ...{ offers: 0, executed: 0 },
  ...{ byController: 0, byOperator: 0, after: 0, releases: 0, byWorkflow: 0, attested: 0 },
});

export function addCounts(to: Counts, more: Counts): void {
  for (const name of Object.keys(to) as (keyof Counts)[]) to[name] += more[name];
}
