import type { Homelab } from '../../../schema/manifest/homelab.ts';
import { meant, type TellFault } from './fault.ts';
import type { Path } from './yaml.ts';

/** Kinds of storage that every host of the home can reach. */
const shared: ReadonlySet<string> = new Set(['nfs', 'cifs', 'pbs']);

/** What power, UPSes, storage, backups, notifications and devices say of names, and of each other. */
export function findSectionFaults(file: Homelab, tell: TellFault): void {
  const sections = { host: 'hosts', guest: 'guests', storage: 'storage', channel: 'notifications' } as const;
  const known = (
    path: Path,
    kind: 'host' | 'guest' | 'storage' | 'channel',
    name: string,
    record: Readonly<Record<string, unknown>>,
  ): boolean => {
    if (Object.hasOwn(record, name)) return true;
    tell(
      path,
      `unknown_${kind}`,
      `there is no ${kind} ${name}`,
      meant(name, Object.keys(record), [sections[kind]]),
    );
    return false;
  };
  for (const name of Object.keys(file.devices)) {
    const other = Object.hasOwn(file.hosts, name)
      ? 'host'
      : Object.hasOwn(file.guests, name)
        ? 'guest'
        : undefined;
    if (other !== undefined) tell(['devices', name], 'name_twice', `${name} is a device and a ${other}`);
  }

  for (const [name, { mode, awake }] of Object.entries(file.power)) {
    const path = ['power', name];
    if (!known(path, 'host', name, file.hosts)) continue;
    const sleeps = file.hosts[name]!.sleeps;
    if (sleeps !== (mode !== 'always')) {
      const says = sleeps ? 'says that it sleeps' : 'does not say that it sleeps';
      const suggestion = sleeps
        ? 'Say mode: scheduled or on-demand.'
        : `Say hosts: { ${name}: { sleeps: true, … } }.`;
      tell([...path, 'mode'], 'power_unclear', `${name} is ${mode}, and hosts.${name} ${says}`, {
        suggestion,
        unless: [`${name}.sleeps`],
      });
    }
    if ((mode === 'scheduled') !== awake.length > 0) {
      const text =
        mode === 'scheduled'
          ? `${name} is scheduled, and awake does not say when it is on`
          : `awake says when ${name} is on, which goes with mode: scheduled alone`;
      tell([...path, mode === 'scheduled' ? 'mode' : 'awake'], 'power_unclear', text);
    }
  }

  for (const [name, ups] of Object.entries(file.ups)) {
    const path = ['ups', name];
    known([...path, 'host'], 'host', ups.host, file.hosts);
    const fed = { ...file.hosts, ...file.devices };
    for (const one of ups.feeds) {
      if (Object.hasOwn(fed, one)) continue;
      const text = `there is no host or device ${one}`;
      tell([...path, 'feeds'], 'unknown_target', text, meant(one, Object.keys(fed), ['hosts', 'devices']));
    }
    for (const [index, { host }] of ups.shut_down.entries()) {
      const at = [...path, 'shut_down', index, 'host'];
      if (known(at, 'host', host, file.hosts) && !ups.feeds.includes(host)) {
        tell(at, 'ups_not_fed', `${name} does not feed ${host}, and is to shut it down`);
      }
    }
  }

  for (const [name, storage] of Object.entries(file.storage)) {
    const path = ['storage', name];
    if (known([...path, 'host'], 'host', storage.host, file.hosts) && !file.hosts[storage.host]!.proxmox) {
      const text = `${storage.host} has no Proxmox, so it has no storage of it`;
      tell([...path, 'host'], 'no_proxmox', text);
    }
    if (storage.alert.metadata !== undefined && storage.kind !== 'lvmthin') {
      const text = `only a thin pool has metadata, and ${name} is ${storage.kind}`;
      tell([...path, 'alert', 'metadata'], 'storage_unclear', text);
    }
    const needs =
      storage.kind === 'dir' || storage.kind === 'btrfs'
        ? 'path'
        : shared.has(storage.kind)
          ? 'server'
          : undefined;
    for (const member of ['path', 'server'] as const) {
      const given = storage[member] !== undefined;
      if (given === (needs === member)) continue;
      const text = given ? `has no ${member}` : `needs ${member}`;
      tell(
        [...path, ...(given ? [member] : ['kind'])],
        'storage_unclear',
        `a storage of the kind ${storage.kind} ${text}`,
      );
    }
  }

  for (const [name, job] of Object.entries(file.backups)) {
    const path = ['backups', name];
    const storage = Object.hasOwn(file.storage, job.storage) ? file.storage[job.storage] : undefined;
    known([...path, 'storage'], 'storage', job.storage, file.storage);
    if (storage !== undefined && storage.content.length > 0 && !storage.content.includes('backup')) {
      tell(
        [...path, 'storage'],
        'storage_unclear',
        `${job.storage} is for ${storage.content.join(', ')}, not for backups`,
      );
    }
    for (const guest of job.guests) {
      if (!known([...path, 'guests'], 'guest', guest, file.guests)) continue;
      const { host } = file.guests[guest]!;
      if (storage !== undefined && storage.host !== host && !shared.has(storage.kind)) {
        const text = `${guest} is on ${host}, which does not reach ${job.storage} on ${storage.host}`;
        tell([...path, 'guests'], 'backup_elsewhere', text);
      }
    }
  }

  for (const [index, { to }] of file.notifications.send.entries()) {
    for (const name of to) {
      known(['notifications', 'send', index, 'to'], 'channel', name, file.notifications.channels);
    }
  }
}
