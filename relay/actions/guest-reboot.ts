import { rebootAction } from './guest-ending.ts';

export const guestReboot = rebootAction('refuses');
