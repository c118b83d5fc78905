import { shutdownAction } from './guest-ending.ts';

export const guestShutdown = shutdownAction('refuses');
