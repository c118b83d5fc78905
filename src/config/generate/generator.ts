import type * as v from 'valibot';
import type { ConfigCode } from '../codes.ts';
import type { Place } from '../finding.ts';
import type { Home, Instance, Target } from '../home.ts';

/** What a generator's output is placed by: `generate: NAME/OUTPUT` in the app.yaml of `instance` on `target`. */
export type GeneratorInput = {
  readonly home: Home;
  readonly target: Target;
  readonly instance: Instance;
  /** homelab.yaml's `generators.NAME.options` with the `options` of the place merged over, member by member. */
  readonly options: Readonly<Record<string, unknown>>;
};

/** What a generator makes: one file's text, or a folder's files by their path in it. */
export type Generated =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'folder'; readonly files: Readonly<Record<string, string>> };

/** Something that the generator cannot express, or doubts. */
export type Doubt = {
  readonly severity: 'error' | 'warning';
  readonly code: ConfigCode;
  readonly message: string;
  /** What was probably meant, or what to do. */
  readonly suggestion?: string;
  /** Where its reason stands; absent: where the output is asked for. */
  readonly place?: Place;
  /** As a finding has it. */
  readonly unless?: readonly string[];
};

export type Tell = (doubt: Doubt) => void;

export type Output = {
  readonly about: string;
  /** Whether `to:` must be a folder. */
  readonly kind: 'file' | 'folder';
  /**
   * The machines where this output must be placed because the home has something for it, each with a reason in
   * words; `*` where any one machine will do. Nothing to say: an empty list.
   */
  needed(home: Home): readonly { readonly target: string; readonly why: string }[];
  /** Pure: equal input, equal text. It ends in a newline. */
  generate(input: GeneratorInput): { readonly made: Generated; readonly doubts?: readonly Doubt[] };
};

/** The configuration of one other system, made from the home. */
export type Generator = {
  readonly name: string;
  readonly about: string;
  /** The program that reads it, and the versions that its output was checked against: from the first, below the last. */
  readonly upstream?: { readonly program: string; readonly from: string; readonly below: string };
  /** Of all outputs; each entry with a `v.description`, from which the reference is made. Absent: there are none. */
  readonly options?: v.StrictObjectSchema<v.ObjectEntries, undefined>;
  readonly outputs: Readonly<Record<string, Output>>;
};
