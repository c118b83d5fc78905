import { powerAction } from './host-power.ts';

export const hostRebootInUse = powerAction('reboot', 'overrides');
