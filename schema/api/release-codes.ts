import type { CodeCard } from './code-card.ts';

/** What comes of a release on a relay and on its targets: in receipts, reports and a relay's log. */
export const releaseCodes = {
  // The order
  release_malformed: {
    title: 'Order of a release malformed',
    meaning: 'What was authorised is no release’s order that this version reads. It was left alone.',
    todo: 'Check the versions of the relay and of the computer that signed it.',
  },
  release_stale: {
    title: 'A newer release came before',
    meaning:
      'On this target a release with a higher number was applied or refused already, or another one with the same number. Nothing was changed.',
    todo: 'Deploy anew: a release that is to go back to an earlier state has a new number, too (`writ rollback`).',
  },
  release_forgotten: {
    title: 'Release from before one that was refused',
    meaning:
      'Releases that were signed by then may have been refused here, and the relay no longer knows which. It was left alone.',
    todo: 'Deploy anew.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
