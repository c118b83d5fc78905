// node src/cli/write-man.ts: prints the manual page writ(1).

import { commands } from './commands.ts';
import { exitCodes } from './help.ts';
import { manPage } from './man.ts';

process.stdout.write(manPage(commands, { version: process.argv[2] ?? '', exitCodes }));
