import { powerAction } from './host-power.ts';

export const hostReboot = powerAction('reboot', 'refuses');
