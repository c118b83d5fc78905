import type { Route } from './route.ts';
import { actionRoutes } from './routes/actions.ts';
import { approvalRoutes } from './routes/approvals.ts';
import { auditRoutes } from './routes/audit.ts';
import { commandRoutes } from './routes/commands.ts';
import { houseRoutes } from './routes/house.ts';
import { metaRoutes } from './routes/meta.ts';
import { relayRoutes } from './routes/relay.ts';
import { releaseRoutes } from './routes/releases.ts';
import { tokenRoutes } from './routes/tokens.ts';
import { trustRoutes } from './routes/trust.ts';

/** Every route there is. Nothing else registers one: what is not here is answered with 404. */
export const routes: readonly Route[] = [
  ...actionRoutes,
  ...commandRoutes,
  ...approvalRoutes,
  ...releaseRoutes,
  ...houseRoutes,
  ...trustRoutes,
  ...tokenRoutes,
  ...auditRoutes,
  ...relayRoutes,
  ...metaRoutes,
];
