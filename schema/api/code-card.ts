/** What a stable code means. docs/errors.md is written from these. */
export type CodeCard = {
  /** Three to six words. */
  readonly title: string;
  /** What happened, and what was not done because of it. */
  readonly meaning: string;
  /** What a person should do next. */
  readonly todo: string;
};

/** A code that the API answers with, and its HTTP status. */
export type ApiCodeCard = CodeCard & { readonly status: number };
