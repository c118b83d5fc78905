import { join } from 'node:path';
import { startPart } from '../../../examples/demo/part.ts';
import type { Attack } from '../attack.ts';

export const attack: Attack = {
  name: 'silence',
  threat: 5,
  about:
    'No poll of a relay is answered: its owner has to hear of it by the path that avoids the control plane.',
  must: 'refuse',
  async run(thief) {
    const { home, ntfy } = thief.scene;
    await home.kill('relay-pve1');
    // The relay as it is, but for the time that it waits: two seconds in place of ten minutes.
    const part = startPart({
      name: 'relay-pve1, in a hurry',
      file: join(import.meta.dirname, '..', 'home', 'hurried-relay.ts'),
      args: [home.relayDirectory('pve1'), '2000'],
      logFile: join(home.directory, 'log', 'relay-pve1.log'),
      env: { PATH: thief.scene.tripwires.path },
    });
    thief.line.ignore('pve1', true);
    const heard = await ntfy.next((line) => line.includes('heard nothing that verifies'), 20_000);
    thief.line.ignore('pve1', false);
    await part.kill('SIGKILL');
    await home.start('relay-pve1');
    return heard === null ? 'nobody was told of the silence' : undefined;
  },
};
