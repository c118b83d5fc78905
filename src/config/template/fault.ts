import type { Node } from 'nunjucks/src/parser.js';
import type { ConfigCode } from '../codes.ts';

/** Where something stands in a template. `file` is set in one that another includes. Both count from 1. */
export type Spot = { readonly file?: string; readonly line: number; readonly column: number };

/** Why a template could not be rendered. */
export type TemplateFault = Spot & {
  readonly code: ConfigCode;
  readonly message: string;
  readonly suggestion?: string;
  /** Of what is not defined, the name or the path of members: `home.guests.secsvc`. Absent where it is computed. */
  readonly missing?: string;
};

const faults = new WeakMap<Error, TemplateFault>();

/** Ends the rendering. Expressions nest too deeply for a result to be handed up through each; it is caught in render.ts alone. */
export function refuseTemplate(
  at: Spot,
  code: ConfigCode,
  message: string,
  suggestion = '',
  missing?: string,
): never {
  const error = new Error(message);
  const trimmed = suggestion.trim();
  faults.set(error, {
    ...at,
    code,
    message,
    ...(trimmed !== '' && { suggestion: trimmed }),
    ...(missing !== undefined && { missing }),
  });
  throw error;
}

/** What `refuseTemplate` said, or undefined for an error that is a bug. */
export const faultOf = (error: unknown): TemplateFault | undefined =>
  error instanceof Error ? faults.get(error) : undefined;

export const spotOf = (node: Pick<Node, 'lineno' | 'colno'>, file: string | undefined): Spot => ({
  ...(file !== undefined && { file }),
  line: node.lineno + 1,
  column: node.colno + 1,
});
