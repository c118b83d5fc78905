import { shutdownAction } from './guest-ending.ts';

export const guestShutdownInUse = shutdownAction('overrides');
