import type { Finding } from '../config/finding.ts';

/** `file:line:column: what. Did you mean that?` */
export const findingLine = ({ file, line, column, message, suggestion }: Finding): string =>
  `${file}:${line}:${column}: ${message}${suggestion === undefined ? '' : `. ${suggestion}`}`;

/** As `findingLine`, with how bad it is, and the code by which the documentation has it. */
const findingText = ({ severity, code, ...finding }: Finding): string => {
  const place = `${finding.file}:${finding.line}:${finding.column}: `;
  const rest = findingLine({ severity, code, ...finding }).slice(place.length);
  return `${place}${severity}: ${rest} [${code}]`;
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Every finding on a line, and how many there are; nothing for none. */
export function findingsText(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [];
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.length - errors;
  const parts = [
    ...(errors > 0 ? [counted(errors, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ];
  return [...findings.map(findingText), `${parts.join(', ')}.`];
}

/** Findings as JSON gives them, with their counts. */
export const findingsJson = (findings: readonly Finding[]) => ({
  findings,
  errors: findings.filter(({ severity }) => severity === 'error').length,
  warnings: findings.filter(({ severity }) => severity === 'warning').length,
});
