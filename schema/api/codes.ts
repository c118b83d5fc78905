import { apiCodes } from './api-codes.ts';
import type { CodeCard } from './code-card.ts';
import { relayCodes } from './relay-codes.ts';

/** The card of any code that the API or a relay gives, or nothing. */
export const codeCard = (code: string): CodeCard | undefined => {
  if (Object.hasOwn(apiCodes, code)) return apiCodes[code as keyof typeof apiCodes];
  return Object.hasOwn(relayCodes, code) ? relayCodes[code as keyof typeof relayCodes] : undefined;
};
