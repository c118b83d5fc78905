import type { ApiCodeCard } from './code-card.ts';
import { deployCodes } from './deploy-codes.ts';
import { linkCodes } from './link-codes.ts';
import { orderCodes } from './order-codes.ts';
import { ownerCodes } from './owner-codes.ts';
import { requestCodes } from './request-codes.ts';

/** Codes of the API's problem documents. */
export const apiCodes = {
  ...requestCodes,
  ...orderCodes,
  ...deployCodes,
  ...ownerCodes,
  ...linkCodes,
} as const satisfies { readonly [code: string]: ApiCodeCard };

export type ApiCode = keyof typeof apiCodes;
