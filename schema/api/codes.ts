import { apiCodes } from './api-codes.ts';
import { relayCodes } from './relay-codes.ts';

/** What a stable code means. docs/errors.md is written from these. */
export type CodeCard = {
  /** Three to six words. */
  readonly title: string;
  /** What happened, and what was not done because of it. */
  readonly meaning: string;
  /** What a person should do next. */
  readonly todo: string;
};

/** The card of any code that the API or a relay gives, or nothing. */
export const codeCard = (code: string): CodeCard | undefined => {
  if (Object.hasOwn(apiCodes, code)) return apiCodes[code as keyof typeof apiCodes];
  return Object.hasOwn(relayCodes, code) ? relayCodes[code as keyof typeof relayCodes] : undefined;
};
