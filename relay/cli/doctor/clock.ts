import { fault, fine } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';

/** Jobs are judged by their times, so a clock that nobody keeps lets nothing run. */
export const checkClock: Check = async ({ clock }) => [
  (await clock.synchronised())
    ? fine('clock_synchronised', 'The clock is kept by a time source.')
    : fault(
        'clock_synchronised',
        'The clock is not kept by a time source.',
        'timedatectl set-ntp true, or install chrony; then: writ-relay clock accept, if it was once ahead',
      ),
];
