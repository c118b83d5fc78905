import { type Finding, fault, fine, notChecked, warning } from '../../../schema/doctor.ts';
import { releasableTargets } from '../../../schema/trust/evaluate.ts';
import type { Probe, ProxmoxRights, Rights } from '../../drivers/proxmox-rights.ts';
import { roles, type WantedAccess } from '../proxmox-access.ts';
import { guestsOf } from '../setup-proxmox.ts';
import type { Check, Patient } from './check.ts';

const again =
  'writ-relay setup-proxmox --dry-run shows the rights it would set; without --dry-run it sets them';

/** The relay's token has the rights that it needs, and no other: by its own word, and by trying. */
export const checkProxmox: Check = async (patient) => {
  const { proxmox, config } = patient;
  const codes = ['proxmox_token_rights', 'proxmox_token_refused'];
  if (proxmox === null || config?.proxmox == null) {
    return codes.map((code) => notChecked(code, 'This relay has no Proxmox VE.'));
  }
  if (typeof proxmox === 'string') {
    return codes.map((code) => fault(code, `Proxmox VE cannot be asked: ${proxmox}.`, 'writ-relay setup'));
  }
  const { node } = config.proxmox;
  const guests = guestsOf(patient.trust.document, patient.relay);
  const own = await proxmox.rights.own();
  return [
    own.ok
      ? judgeRights(own.value, node, guests)
      : fault(
          'proxmox_token_rights',
          `Proxmox VE does not tell the token's rights: ${own.detail}.`,
          'writ-relay setup',
        ),
    await tryProbes(proxmox.rights, probesOf(patient, node)),
  ];
};

export const guestsHere = ({ trust, relay }: Patient) =>
  Object.entries(trust.document.house.guests).filter(([, guest]) => guest.host === relay);

/** What a token should hold, against what it holds. Paths below one that propagates repeat its privileges. */
export function judgeRights(held: Rights, node: string, guests: WantedAccess['guests']): Finding {
  const wanted = new Map<string, readonly string[]>([
    ['/vms', roles.WritSee],
    [`/nodes/${node}`, roles.WritNode],
    ...guests.map(
      ({ vmid, isReleased }) =>
        [`/vms/${vmid}`, [...roles.WritGuest, ...(isReleased ? roles.WritRelease : [])]] as const,
    ),
  ]);
  const allowedOn = (path: string): readonly string[] =>
    wanted.get(path) ?? (path.startsWith('/vms/') ? roles.WritSee : []);
  const wide = Object.entries(held).flatMap(([path, privileges]) =>
    privileges.filter((one) => !allowedOn(path).includes(one)).map((one) => `${one} on ${path}`),
  );
  if (wide.length > 0) {
    const more = wide.length > 4 ? ` and ${wide.length - 4} more` : '';
    return fault(
      'proxmox_token_rights',
      `The token may more than it needs: ${wide.slice(0, 4).join(', ')}${more}.`,
      again,
    );
  }
  const lacking = [...wanted].flatMap(([path, privileges]) =>
    privileges
      .filter((one) => !(held[path] ?? held['/vms'] ?? []).includes(one))
      .map((one) => `${one} on ${path}`),
  );
  return lacking.length > 0
    ? warning('proxmox_token_rights', `The token lacks ${lacking.slice(0, 4).join(', ')}.`, again)
    : fine('proxmox_token_rights', 'The token has the rights that it needs, and no other.');
}

/** Requests that change nothing even where they are allowed, and that must be refused. */
function probesOf(patient: Patient, node: string): Probe[] {
  const released = new Set(releasableTargets(patient.trust.document, patient.relay));
  const vm = guestsHere(patient).find(([name, { kind }]) => kind === 'qemu' && !released.has(name))?.[1].vmid;
  return [
    { method: 'POST', path: '/storage', would: 'add a storage' },
    { method: 'POST', path: '/access/roles', would: 'make a role' },
    { method: 'GET', path: '/cluster/backup', would: 'read the backup jobs' },
    { method: 'GET', path: `/nodes/${node}/syslog`, would: "read the host's log" },
    ...(vm === undefined
      ? []
      : [
          {
            method: 'POST',
            path: `/nodes/${node}/qemu/${vm}/agent/exec`,
            would: `run a command in guest ${vm}`,
          } as const,
        ]),
  ];
}

async function tryProbes(rights: ProxmoxRights, probes: readonly Probe[]): Promise<Finding> {
  const code = 'proxmox_token_refused';
  for (const probe of probes) {
    const outcome = await rights.refused(probe);
    if (outcome === 'allowed') return fault(code, `The token may ${probe.would}.`, again);
    if (outcome !== null)
      return notChecked(code, `Proxmox VE did not answer ${probe.method} ${probe.path}: ${outcome.detail}.`);
  }
  return fine(code, `Refused, as they must be: to ${probes.map(({ would }) => would).join(', to ')}.`);
}
