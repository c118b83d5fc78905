import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Programs that could change a host. A relay at home starts none of them by itself. */
const programs = [
  ...['sh', 'bash', 'dash', 'perl', 'python3', 'sudo', 'su', 'env', 'ssh', 'curl', 'nsenter', 'unshare'],
  ...['systemctl', 'systemd-run', 'shutdown', 'poweroff', 'reboot', 'halt', 'mount', 'chmod', 'chown'],
  ...['qm', 'pct', 'pvesh', 'pveum', 'vzdump', 'podman', 'age', 'apt-get', 'dpkg', 'tar', 'cp', 'mv', 'rm'],
] as const;

/** A folder for PATH in which each program only says that it was started. */
export type Tripwires = {
  readonly path: string;
  /** What was started, with its arguments, a line each. */
  touched(): readonly string[];
};

/** Asked by every relay whether its clock is kept; it may. */
const harmless = 'timedatectl';

/** Where they are in a home's folder. */
export const tripwiresIn = (home: string): string => join(home, 'tripwires');

export function layTripwires(home: string): Tripwires {
  const bin = tripwiresIn(home);
  const log = join(home, 'log', 'tripwires.log');
  mkdirSync(bin, { mode: 0o700 });
  for (const name of programs) {
    const file = join(bin, name);
    writeFileSync(file, `#!/bin/sh\nprintf '%s\\n' "${name} $*" >> '${log}'\nexit 1\n`);
    chmodSync(file, 0o700);
  }
  // A clock that is kept: a notary attests only then.
  writeFileSync(join(bin, harmless), '#!/bin/sh\necho yes\n');
  chmodSync(join(bin, harmless), 0o700);
  return {
    path: bin,
    touched: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
  };
}
