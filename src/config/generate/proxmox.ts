import type { Home, HomeGuest } from '../home.ts';
import type { Generator } from './generator.ts';
import { houseMetrics } from './proxmox/metrics.ts';

type Rival = { readonly guest: HomeGuest; readonly shared: readonly string[] };

/** Guests of a host that hold hardware which others there need, each with those others. Sorted by VMID. */
function rivalsOn(
  home: Home,
  host: string,
): { readonly guest: HomeGuest; readonly rivals: readonly Rival[] }[] {
  const guests = Object.values(home.guests)
    .filter((guest) => guest.host === host)
    .sort((a, b) => a.vmid - b.vmid);
  return guests.flatMap((guest) => {
    const rivals = guests.flatMap((other) => {
      const shared = other.exclusive.filter((one) => other !== guest && guest.exclusive.includes(one));
      return shared.length === 0 ? [] : [{ guest: other, shared }];
    });
    return rivals.length === 0 ? [] : [{ guest, rivals }];
  });
}

const tool = ({ type }: HomeGuest): string => (type === 'qemu' ? 'qm' : 'pct');

/** For dash as well. A paused guest holds its hardware; one that is not on this machine does not. */
const head = (host: string): string => `#!/bin/sh
# Made by Writ: guests of ${host} that share hardware. Proxmox VE runs this when a guest starts, whoever starts it:
#   qm set VMID --hookscript STORAGE:snippets/NAME     pct set VMID --hookscript STORAGE:snippets/NAME
set -u
[ "\${2-}" = pre-start ] || exit 0

refuse() {
  echo "writ: $1" >&2
  exit 1
}

# TOOL VMID NAME WHAT: goes on where that guest does not hold it.
free() {
  if ! said=$(LC_ALL=C "$1" status "$2" 2>&1); then
    case $said in *'does not exist'*) return 0 ;; esac
    refuse "nothing was started: $1 cannot tell whether $3 ($2) runs, which holds $4: $said"
  fi
  [ "$said" = 'status: stopped' ] ||
    refuse "nothing was started: $3 ($2) holds $4 ($said). Shut it down first."
}

case \${1-} in
`;

/**
 * A hook script for Proxmox VE, so that a guest whose hardware another one holds does not start from Proxmox' own page
 * either. Two that are started in the same second both find the other stopped; the hardware itself refuses the later.
 */
export const proxmox: Generator = {
  name: 'proxmox',
  about: 'what a Proxmox VE host does by itself',
  upstream: { program: 'Proxmox VE', from: '8', below: '10' },
  outputs: {
    metrics: houseMetrics,
    hookscript: {
      about: 'refuses the start of a guest whose hardware another one holds',
      kind: 'file',
      needed: (home) =>
        Object.keys(home.hosts).flatMap((target) =>
          rivalsOn(home, target)
            .slice(0, 1)
            .map(({ guest, rivals: [rival] }) => ({
              target,
              why: `${guest.name} and ${rival!.guest.name} share ${rival!.shared.join(', ')}`,
            })),
        ),
      generate: ({ home, target }) => {
        const cases = rivalsOn(home, target.name).map(({ guest, rivals }) =>
          [
            `${guest.vmid}) # ${guest.name}`,
            ...rivals.map(
              ({ guest: rival, shared }) =>
                `  free ${tool(rival)} ${rival.vmid} ${rival.name} ${shared.join(',')}`,
            ),
            '  ;;',
            '',
          ].join('\n'),
        );
        const text = `${head(target.name)}${cases.join('')}esac\nexit 0\n`;
        return {
          made: { kind: 'file', text },
          ...(!Object.hasOwn(home.hosts, target.name) && {
            doubts: [
              {
                severity: 'error' as const,
                code: 'unknown_host',
                message: `a hook script is for a host, and ${target.name} is none`,
              },
            ],
          }),
        };
      },
    },
  },
};
