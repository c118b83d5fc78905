import type { Home } from '../home.ts';

/** A template to render: its file for findings, its text, and the names that it alone is given. */
export type TemplateJob = {
  readonly id: string;
  readonly file: string;
  readonly source: string;
  /** App's and site's values among them. */
  readonly locals: Readonly<Record<string, unknown>>;
  /** Templates that it may include or import, by the name it uses: their path below `folder`. */
  readonly includes: Readonly<Record<string, string>>;
  /** Where they lie in the repo, with a slash at its end. */
  readonly folder: string;
};

export type TemplateOutcome =
  | { readonly id: string; readonly ok: true; readonly text: string; readonly secrets: readonly string[] }
  | {
      readonly id: string;
      readonly ok: false;
      /** The file of the repo where it went wrong; absent: the template's own. */
      readonly file?: string;
      readonly line: number;
      readonly column: number;
      readonly code: string;
      readonly message: string;
      readonly suggestion?: string;
      /** What is not defined, where it has a name: `home.guests.secsvc`. */
      readonly missing?: string;
    };

/**
 * Renders templates against the model, each within its time. One that fails or runs for too long is an outcome,
 * never an exception, and the others are rendered all the same.
 */
export type RenderTemplates = (
  home: Home,
  jobs: readonly TemplateJob[],
) => Promise<readonly TemplateOutcome[]>;
