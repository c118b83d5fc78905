import type { Fault } from './graph.ts';

/** What every property test in a worker draws its inputs from. */
export const seed = 20_261_122;

/** One file of tests: which of them to run, in order, and how long each may take. */
export type Planned = {
  readonly file: string;
  readonly tests: readonly { readonly at: number; readonly limitMs: number }[];
};

/** Where a fault would be: reached by what gets to `reach`. */
export type Place = { readonly path: string; readonly reach: number };

/** What a worker is asked: whether tests notice a fault, or what the tests of a file reach. */
export type Question =
  | { readonly kind: 'judge'; readonly fault: Fault; readonly plan: readonly Planned[] }
  | { readonly kind: 'learn'; readonly file: string; readonly faults: readonly Place[] };

/** A test with the places of the faults that it reaches, in the list that was asked about. */
export type Learned = { readonly name: string; readonly tookMs: number; readonly reached: readonly number[] };

export type Answer =
  /** Before something is run: how long nothing more may be heard. */
  | { readonly kind: 'running'; readonly limitMs: number }
  | {
      readonly kind: 'judged';
      /** The test that failed; `timeout`, `broken` (it does not load), or null when all passed. */
      readonly by: string | null;
      readonly file: string | null;
    }
  | {
      readonly kind: 'learned';
      readonly tests: readonly Learned[];
      /** What loading the file and preparing its tests reaches. */
      readonly always: readonly number[];
    }
  | { readonly kind: 'failed'; readonly detail: string };
