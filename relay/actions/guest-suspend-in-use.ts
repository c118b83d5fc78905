import { suspendAction } from './guest-pausing.ts';

export const guestSuspendInUse = suspendAction('overrides');
