/** One step of the schema's history. Once released, a migration is never edited: a new one follows. */
export type Migration = {
  /** Numbered from 1 without gaps. */
  readonly version: number;
  /** What it brings, for the log. */
  readonly name: string;
  /** Run in order, in one atomic batch. */
  readonly statements: readonly string[];
};
