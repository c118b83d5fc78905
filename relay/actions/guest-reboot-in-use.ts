import { rebootAction } from './guest-ending.ts';

export const guestRebootInUse = rebootAction('overrides');
