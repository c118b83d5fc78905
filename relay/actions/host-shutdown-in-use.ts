import { powerAction } from './host-power.ts';

export const hostShutdownInUse = powerAction('shutdown', 'overrides');
