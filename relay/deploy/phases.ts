/**
 * What an activation does, in this order. From `stop` on, the target changes; `back` is done instead of what is left
 * when something fails.
 */
export const phases = [
  /** Looks at the target, and says how it gets there. */
  'look',
  /** Brings bytes and images there. */
  'stage',
  /** Lets the target's own programs judge what it would become. */
  'check',
  /** Writes down how to go back. */
  'journal',
  /** Stops what goes away, and takes networks away that are made anew. */
  'stop',
  /** Changes the files. */
  'switch',
  /** Lets systemd read its units, and enables those that start with the machine. */
  'reload',
  /** Starts, restarts and reloads services. */
  'start',
  /** Waits until what was touched is well. */
  'health',
  /** Writes down that the part is in force. */
  'settle',
  /** Removes bytes that nothing needs. */
  'clean',
  /** Puts back what was there. */
  'back',
] as const;
export type Phase = (typeof phases)[number];
