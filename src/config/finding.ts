/** Something that is wrong with the repo, or doubtful. Lines and columns count from 1. */
export type Finding = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  /** Stable, snake_case; documented in docs/configuration.md. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** What was most likely meant, or what to do. */
  readonly suggestion?: string;
  /** Parts of the repo, as `broken` names them, that may hold what is missed here: with one of them unread it is no finding. */
  readonly unless?: readonly string[];
};

/** Where in the repo something was said. */
export type Place = { readonly file: string; readonly line: number; readonly column: number };
