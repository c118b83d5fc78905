/** Steps of colour of a tile, from the lowest value on. */
type Steps = readonly { readonly color: string; readonly value: number | null }[];

export const green: Steps = [
  { color: 'red', value: null },
  { color: 'green', value: 1 },
];
export const none: Steps = [
  { color: 'green', value: null },
  { color: 'red', value: 1 },
];
/** What is left of something, in seconds. */
export const left: Steps = [
  { color: 'red', value: null },
  { color: 'orange', value: 7 * 86_400 },
  { color: 'green', value: 21 * 86_400 },
];
export const yesNo = { 0: ['no', 'red'], 1: ['yes', 'green'] } as const;
