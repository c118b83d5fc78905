import { suspendAction } from './guest-pausing.ts';

export const guestSuspend = suspendAction('refuses');
