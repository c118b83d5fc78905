import type { QuadletCode } from './codes.ts';

/** Something that is wrong with a unit file, or doubtful. Lines and columns count from 1. */
export type QuadletFinding = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly code: QuadletCode;
  /** One sentence. */
  readonly message: string;
  readonly suggestion?: string;
  /** Whether Podman's generator refuses the unit for it, so that its dry run shows it too. */
  readonly generator: boolean;
};

export type Place = { readonly file: string; readonly line: number; readonly column: number };

/** Takes what a rule finds. */
export type Tell = (
  place: Place,
  code: QuadletCode,
  message: string,
  more?: { readonly suggestion?: string; readonly warning?: true; readonly generator?: true },
) => void;

/** Values are told in part when they are long. */
const maxMessage = 400;

/** Gathers findings in the order in which they are told. */
export function gather(into: QuadletFinding[]): Tell {
  return ({ file, line, column }, code, message, more = {}) => {
    const suggestion = more.suggestion?.trim() ?? '';
    into.push({
      file,
      line,
      column,
      severity: more.warning === true ? 'warning' : 'error',
      code,
      message: message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message,
      ...(suggestion !== '' && { suggestion }),
      generator: more.generator === true,
    });
  };
}
