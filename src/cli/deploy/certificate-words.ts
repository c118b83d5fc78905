import type { TargetReport } from '../../../schema/wire/report.ts';
import { codeText, todoOf } from './words.ts';

const dayMs = 86_400_000;
/** A relay renews with ten days left: with less than these, it has tried for some days in vain. */
const warningMs = 7 * dayMs;

/** A report may tell a time that is no date (ECMA-262, 21.4.1.1). */
const lastDateMs = 8_640_000_000_000_000;

/** What is not as it should be with certificates of a target, a clause each. */
export function certificateDoubts(report: TargetReport | null, now: number): string[] {
  return (report?.certificates ?? []).flatMap(({ app, name, expires, code }) => {
    const left = expires - now;
    if (code === undefined && left >= warningMs) return [];
    const end =
      expires === 0
        ? 'is not there'
        : left < 0
          ? 'has expired'
          : `ends on ${new Date(Math.min(expires, lastDateMs)).toISOString().slice(0, 10)}`;
    const why = code === undefined ? [] : [`${codeText(code)}. ${todoOf(code).join(' ')}`.trim()];
    return [[`the certificate ${name} of ${app} ${end}`, ...why].join(': ')];
  });
}
