import type { ActionType } from '../../schema/actions/index.ts';
import type { RelayAction } from './action.ts';
import { appCommand } from './app-command.ts';
import { guestLook } from './guest-look.ts';
import { guestPrepare } from './guest-prepare.ts';
import { guestReboot } from './guest-reboot.ts';
import { guestRebootInUse } from './guest-reboot-in-use.ts';
import { guestResume } from './guest-resume.ts';
import { guestShutdown } from './guest-shutdown.ts';
import { guestShutdownInUse } from './guest-shutdown-in-use.ts';
import { guestStart } from './guest-start.ts';
import { guestStop } from './guest-stop.ts';
import { guestSuspend } from './guest-suspend.ts';
import { guestSuspendInUse } from './guest-suspend-in-use.ts';
import { hostReboot } from './host-reboot.ts';
import { hostRebootInUse } from './host-reboot-in-use.ts';
import { hostShutdown } from './host-shutdown.ts';
import { hostShutdownInUse } from './host-shutdown-in-use.ts';
import { hostWake } from './host-wake.ts';
import { releaseApply } from './release-apply.ts';
import { releaseHeal } from './release-heal.ts';

/** What this relay can do: every action of the registry in schema/actions, or the compiler says which is missing. */
export const relayActions = {
  'host.wake': hostWake,
  'host.shutdown': hostShutdown,
  'host.shutdown-in-use': hostShutdownInUse,
  'host.reboot': hostReboot,
  'host.reboot-in-use': hostRebootInUse,
  'guest.start': guestStart,
  'guest.shutdown': guestShutdown,
  'guest.shutdown-in-use': guestShutdownInUse,
  'guest.stop': guestStop,
  'guest.reboot': guestReboot,
  'guest.reboot-in-use': guestRebootInUse,
  'guest.suspend': guestSuspend,
  'guest.suspend-in-use': guestSuspendInUse,
  'guest.resume': guestResume,
  'guest.look': guestLook,
  'guest.prepare': guestPrepare,
  'app.command': appCommand,
  'release.apply': releaseApply,
  'release.heal': releaseHeal,
} as const satisfies Record<ActionType, RelayAction>;
