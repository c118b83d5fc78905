import { appendFileSync } from 'node:fs';

/** Names the file that gathers what a run lacks, one line each; the runner sets it and reads it at the end. */
export const missingFileVariable = 'WRIT_MISSING_FILE';

/**
 * Says that this machine lacks a thing, so that the tests which need it did not run: "haproxy", "root for tmpfs".
 * To be called where those tests would stand, so that none is left out in silence.
 */
export function missing(what: string): void {
  const line = what.replaceAll(/\s+/g, ' ').trim();
  const file = process.env[missingFileVariable];
  if (file === undefined) process.stderr.write(`missing on this machine: ${line}\n`);
  else appendFileSync(file, `${line}\n`);
}
