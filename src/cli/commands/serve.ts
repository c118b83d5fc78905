import { defineCommand } from '../command.ts';
import { exits, fail } from '../outcome.ts';

export const serve = defineCommand({
  name: 'serve',
  summary: 'Run the control plane on this machine',
  usage: '',
  examples: [
    {
      line: 'writ serve --data /var/lib/writ --listen 100.64.0.1:8420',
      about: 'on loopback and the tailnet',
    },
    { line: 'writ serve --data /tmp/trial/data --listen 127.0.0.1:0 --trial', about: 'to try it out' },
  ],
  options: {
    data: { type: 'text', value: 'DIR', about: 'where its database and keys are (default: /var/lib/writ)' },
    listen: { type: 'list', value: 'ADDRESS:PORT', about: 'where it listens besides 127.0.0.1:8420' },
    trial: { type: 'flag', about: 'for trying out on one machine: listens only where --listen says' },
  },
  async run() {
    return fail(exits.failed, 'not_built', 'todo');
  },
});
