import { apiCodes } from '../../schema/api/api-codes.ts';
import type { ApiCodeCard, CodeCard } from '../../schema/api/code-card.ts';
import { relayCodes } from '../../schema/api/relay-codes.ts';

const byName = <T>([a]: [string, T], [b]: [string, T]): number => (a < b ? -1 : 1);

const entry = ([code, card]: [string, CodeCard]): string =>
  `### ${code}\n\n**${card.title}**${'status' in card ? ` (HTTP ${card.status})` : ''}. ${card.meaning}\n\n*What to do:* ${card.todo}\n`;

/** docs/errors.md: every stable code, from the tables that the code itself uses. */
export function errorsDoc(): string {
  return `# Errors

Every refusal and every failure has a stable code: \`code\` of a problem document (application/problem+json), of a
command, of a receipt, or in a relay's log. This file is written from the tables in
\`schema/api/\` by \`node src/node/write-errors-doc.ts\`; a test keeps it equal.

## What the API answers

${Object.entries<ApiCodeCard>(apiCodes).sort(byName).map(entry).join('\n')}
## What relays say

In receipts, commands and logs. A code that is not here is one of those above, with the same meaning.

${Object.entries<CodeCard>(relayCodes).sort(byName).map(entry).join('\n')}`;
}
