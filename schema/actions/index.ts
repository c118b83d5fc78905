import type { Action } from './action.ts';
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

/** Every action there is, one line each. Routes, scopes, commands of the CLI and the reference derive from it. */
export const actions = {
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
} as const satisfies { readonly [T in string]: Action<T> };

export type ActionType = keyof typeof actions;

/** The action of a type, or nothing: names such as `constructor` find nothing. */
export const actionOf = (type: string): Action | undefined =>
  Object.hasOwn(actions, type) ? actions[type as ActionType] : undefined;

/** All actions in the order of the registry. */
export const allActions: readonly Action[] = Object.values(actions);

/** An action that a caller may order on a host, a guest, or a command of an app. */
export type CommandAction = Action & { readonly on: 'host' | 'guest' | 'app' };

const isCommand = (action: Action): action is CommandAction => action.on !== 'target';

/** The actions that intents may hold: routes, scopes and commands of the CLI derive from them. */
export const commandActions: readonly CommandAction[] = allActions.filter(isCommand);

/** The action of a type that intents may hold, or nothing. */
export const commandActionOf = (type: string): CommandAction | undefined => {
  const action = actionOf(type);
  return action !== undefined && isCommand(action) ? action : undefined;
};
