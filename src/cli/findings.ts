import type { Finding } from '../config/finding.ts';

/** `file:line:column: what. Did you mean that?` */
export const findingLine = ({ file, line, column, message, suggestion }: Finding): string =>
  `${file}:${line}:${column}: ${message}${suggestion === undefined ? '' : `. ${suggestion}`}`;
