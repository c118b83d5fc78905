import { powerAction } from './host-power.ts';

export const hostShutdown = powerAction('shutdown', 'refuses');
