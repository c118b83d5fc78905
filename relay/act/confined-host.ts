import { createHostMachine } from '../machine/host-machine.ts';
import type { Machine } from '../machine/machine.ts';
import { createRemoteMachine } from '../machine/remote-machine.ts';
import { createOutsideExec, type Outside } from './outside-exec.ts';

/** What needs nothing but systemd's own socket, and so runs under the helper's confinement. */
const inside: ReadonlySet<string> = new Set(['systemctl']);

/** This host as the helper reaches it: its files directly, most programs outside. */
export function createConfinedHost(name: string, outside: Outside): Machine {
  const host = createHostMachine(name);
  const beyond = createRemoteMachine(name, createOutsideExec(outside));
  return {
    ...host,
    run: (argv, options) => (inside.has(argv[0]) ? host.run(argv, options) : beyond.run(argv, options)),
  };
}
