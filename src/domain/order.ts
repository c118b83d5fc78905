import type { Order } from '../../schema/api/orders.ts';

/** The permission that an order needs: also the scope that a token must hold for it. */
export const permissionOf = (order: Order): string =>
  'runbook' in order ? `run@${order.runbook}` : `${order.action}@${order.target}`;
