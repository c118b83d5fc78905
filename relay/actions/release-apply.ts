import { refuse } from '../../schema/result.ts';
import type { RelayAction } from './action.ts';

export const releaseApply: RelayAction = {
  precheck: async () => refuse('proxmox_not_configured'),
  act: async () => ({ state: 'failed', code: 'proxmox_not_configured' }),
  observe: async () => ({ state: 'unknown', code: 'interrupted' }),
};
