/** A duration as one would say it: "4 s", "2 min". */
export function seconds(ms: unknown): string {
  const total = Math.max(0, Math.round(Number(ms) / 1000));
  return total < 120 ? `${total} s` : `${Math.round(total / 60)} min`;
}

/** A title at the start of a sentence: "the tower" becomes "The tower". */
export const atStart = (title: string): string => title.charAt(0).toUpperCase() + title.slice(1);
