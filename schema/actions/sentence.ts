/** A duration as one would say it: "4 s", "2 min"; "some time" where a relay did not say a number. */
export function seconds(ms: unknown): string {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return 'some time';
  const total = Math.max(0, Math.round(ms / 1000));
  return total < 120 ? `${total} s` : `${Math.round(total / 60)} min`;
}

/** A title at the start of a sentence: "the tower" becomes "The tower". */
export const atStart = (title: string): string => title.charAt(0).toUpperCase() + title.slice(1);
