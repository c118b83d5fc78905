import type { ProxmoxAccess } from '../drivers/pveum.ts';

/** Who the relay is to Proxmox VE. A user of its own without a password; each host has a token of it. */
export const relayUser = 'writ@pve';
export const tokenIdOf = (node: string): string => `relay-${node}`;

/** Roles with the privileges that the relay's calls check, and no more (the API's own schema names them). */
export const roles = {
  /** Sees what runs: guests that nobody named too, because a host is not powered off under them. */
  WritSee: ['VM.Audit'],
  /** Starts, stops and suspends the guests of the house, and asks their agents who is logged in. */
  WritGuest: ['VM.Audit', 'VM.GuestAgent.Audit', 'VM.PowerMgmt'],
  /** Runs programs in a guest through its agent, as root there: what a release is brought by. */
  WritRelease: ['VM.GuestAgent.Unrestricted'],
  /** Powers the host off. */
  WritNode: ['Sys.Audit', 'Sys.PowerMgmt'],
} as const;
type Role = keyof typeof roles;

/** One thing to be done: what it is, and the words that `pveum` is given. */
export type AccessChange = {
  readonly say: string;
  readonly argv: readonly string[];
  /** Its output holds the new token's secret. */
  readonly makesToken?: true;
};

export type WantedAccess = {
  readonly node: string;
  /** The house's guests on this host. */
  readonly guests: readonly {
    readonly name: string;
    readonly vmid: number;
    /** Whether trust lets somebody release to it, through its agent. */
    readonly isReleased: boolean;
  }[];
  /** Whether the token's secret is at hand; it cannot be read again from Proxmox VE. */
  readonly hasSecret: boolean;
};

/**
 * What is to be changed so that the relay may do what it must and nothing else. Nothing, when it is so already.
 * A privilege-separated token has what user and token are both granted, so each grant is made twice.
 */
export function planAccess(found: ProxmoxAccess, wanted: WantedAccess): AccessChange[] {
  const token = tokenIdOf(wanted.node);
  const fullToken = `${relayUser}!${token}`;
  const changes: AccessChange[] = [];

  for (const [role, privileges] of Object.entries(roles)) {
    if (role === 'WritRelease' && !wanted.guests.some(({ isReleased }) => isReleased)) continue;
    const known = found.roles.find(({ roleid }) => roleid === role);
    const words = ['--privs', privileges.join(' ')];
    if (known === undefined) {
      changes.push({
        say: `make the role ${role}: ${privileges.join(', ')}`,
        argv: ['role', 'add', role, ...words],
      });
    } else if (privilegesOf(known.privs).join() !== [...privileges].sort().join()) {
      changes.push({
        say: `set the role ${role} to ${privileges.join(', ')}`,
        argv: ['role', 'modify', role, ...words],
      });
    }
  }
  if (!found.users.some(({ userid }) => userid === relayUser)) {
    const words = ['--comment', 'the relays of Writ'];
    changes.push({
      say: `make the user ${relayUser}, without a password`,
      argv: ['user', 'add', relayUser, ...words],
    });
  }
  const known = found.tokens.find(({ tokenid }) => tokenid === token);
  if (known !== undefined && (!known.privsep || !wanted.hasSecret)) {
    const why = known.privsep ? 'its secret is not at hand' : 'it has all rights of its user';
    changes.push({
      say: `remove the token ${token}: ${why}`,
      argv: ['user', 'token', 'remove', relayUser, token],
    });
  }
  const isMade = known === undefined || !known.privsep || !wanted.hasSecret;
  if (isMade) {
    changes.push({
      say: `make the token ${token}, with rights of its own`,
      argv: ['user', 'token', 'add', relayUser, token, '--privsep', '1', '--output-format', 'json'],
      makesToken: true,
    });
  }
  // The grants of a token end with it, also when another is made under its name.
  const held = isMade ? found.grants.filter(({ ugid }) => ugid !== fullToken) : found.grants;
  return [...changes, ...planGrants(held, wanted, fullToken)];
}

type Grant = {
  readonly path: string;
  readonly role: Role;
  readonly propagate: boolean;
  readonly say: string;
};

function planGrants(
  found: ProxmoxAccess['grants'],
  { node, guests }: WantedAccess,
  fullToken: string,
): AccessChange[] {
  const grants: Grant[] = [
    { path: '/vms', role: 'WritSee', propagate: true, say: 'see which guests run' },
    { path: `/nodes/${node}`, role: 'WritNode', propagate: false, say: `power ${node} off` },
    ...guests.map(
      ({ name, vmid }): Grant => ({
        path: `/vms/${vmid}`,
        role: 'WritGuest',
        propagate: false,
        say: `start and stop ${name} (${vmid})`,
      }),
    ),
    ...guests
      .filter(({ isReleased }) => isReleased)
      .map(
        ({ name, vmid }): Grant => ({
          path: `/vms/${vmid}`,
          role: 'WritRelease',
          propagate: false,
          say: `bring releases to ${name} (${vmid}), as root there`,
        }),
      ),
  ];
  const holders = [
    { type: 'user', ugid: relayUser, option: '--users' },
    { type: 'token', ugid: fullToken, option: '--tokens' },
  ] as const;
  const changes: AccessChange[] = [];
  for (const { path, role, propagate, say } of grants) {
    for (const { type, ugid, option } of holders) {
      const holds = found.some(
        (one) => one.type === type && one.ugid === ugid && one.path === path && one.roleid === role,
      );
      if (holds) continue;
      const words = [option, ugid, '--roles', role, '--propagate', propagate ? '1' : '0'];
      changes.push({ say: `let ${ugid} ${say}`, argv: ['acl', 'modify', path, ...words] });
    }
  }
  // Of the user a grant may serve the token of another node of the cluster; without the token's it counts for nothing.
  for (const { path, roleid, type, ugid } of found) {
    if (type !== 'token' || ugid !== fullToken) continue;
    if (grants.some((grant) => grant.path === path && grant.role === roleid)) continue;
    changes.push({
      say: `take ${roleid} on ${path} from ${ugid}`,
      argv: ['acl', 'delete', path, '--tokens', ugid, '--roles', roleid],
    });
  }
  return changes;
}

const privilegesOf = (text: string): string[] =>
  text
    .split(/[\s,;]+/)
    .filter((privilege) => privilege !== '')
    .sort();
