import type { CodeCard } from './code-card.ts';

/** Codes of receipts about commands that apps declare. */
export const appCommandCodes = {
  command_undeclared: {
    title: 'No such command in what runs',
    meaning:
      'The release in force on the guest declares no command of this name for this app, or no release was ever brought there. Nothing was run.',
    todo: 'Declare it under `commands` in the app’s app.yaml, and deploy.',
  },
  command_unfit: {
    title: 'Command is not as it must be',
    meaning:
      'What the release in force says of the command cannot be followed: its words, its time-out (2h at most), or a container that is none of its app’s units. Nothing was run.',
    todo: 'Correct it in app.yaml, and deploy.',
  },
  command_not_there: {
    title: 'Commands of apps do not run there yet',
    meaning:
      'Commands of apps run on virtual machines alone. On a host itself or in a container (LXC) none was run.',
    todo: 'Run it by hand, or move the app to a virtual machine.',
  },
  command_container_off: {
    title: 'Container of the command does not run',
    meaning: 'The command runs inside a container of its app, which is not running. Nothing was run.',
    todo: 'See why the app is down: `writ diff`, or its log on the guest.',
  },
  command_failed: {
    title: 'Command ended with an error',
    meaning:
      'It was run and ended with an exit code other than 0, which the receipt tells. 125 to 127 mean that the program could not be started.',
    todo: 'Read the end of what it printed with `writ command ID --log`, which is sent where trust names readers.',
  },
  command_timeout: {
    title: 'Command took too long',
    meaning:
      'It did not end within the time that its app.yaml declares. On the guest itself it was killed; inside a container it may go on.',
    todo: 'Look at the guest. Give it a longer `timeout` in app.yaml, 2h at most.',
  },
  target_unsettled: {
    title: 'A release is half way there',
    meaning:
      'An activation on the guest was cut short and has neither been finished nor undone, so that nobody can say which commands are in force. Nothing was run.',
    todo: 'Deploy again, which settles it, and then order the command.',
  },
} as const satisfies { readonly [code: string]: CodeCard };
