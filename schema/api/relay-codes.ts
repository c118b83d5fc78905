import { actCodes } from './act-codes.ts';
import { actingCodes } from './acting-codes.ts';
import { appCommandCodes } from './app-command-codes.ts';
import { certificateCodes } from './certificate-codes.ts';
import type { CodeCard } from './code-card.ts';
import { githubCodes } from './github-codes.ts';
import { jobCodes } from './job-codes.ts';
import { releaseCodes } from './release-codes.ts';
import { secretCodes } from './secret-codes.ts';
import { startCodes } from './start-codes.ts';
import { stepCodes } from './step-codes.ts';

/** Codes of receipts, commands and a relay's log. Those that the API gives as well are in api-codes.ts. */
export const relayCodes = {
  ...stepCodes,
  ...actingCodes,
  ...jobCodes,
  ...releaseCodes,
  ...actCodes,
  ...secretCodes,
  ...certificateCodes,
  ...startCodes,
  ...appCommandCodes,
  ...githubCodes,
} as const satisfies { readonly [code: string]: CodeCard };

export type RelayCode = keyof typeof relayCodes;
