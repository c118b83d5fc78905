import { actionOf } from '../../schema/actions/index.ts';
import { fingerprint } from '../../schema/jose/keys.ts';
import type { Origin } from '../../schema/trust/document.ts';
import { readLimit, type TrustGrant } from '../../schema/trust/grant.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { trustWarningMs } from '../../schema/wire/limits.ts';

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

/** Where relays reach the control plane: `https://100.64.0.1:8420 (pinned) and https://writ.example.net`. */
export const originsInWords = (origins: readonly Origin[]): string =>
  list(origins.map(({ url, spki }) => (spki === undefined ? url : `${url} (pinned)`)));

/** A post-quantum recipient has 1,959 characters. */
export const shortRecipient = (recipient: string): string =>
  recipient.length < 80 ? recipient : `${recipient.slice(0, 24)}…${recipient.slice(-8)}`;

/** A trust document as its owner would tell it. */
export function trustInWords(trust: Trust, now: number): string {
  const { document } = trust;
  const left = Date.parse(document.expires) - now;
  const lines = [
    `Trust of ${document.home}, version ${document.version}.`,
    `  digest   ${trust.digest}`,
    `  expires  ${document.expires}${left <= 0 ? ': EXPIRED, relays run no job' : left < trustWarningMs ? `: in ${Math.floor(left / 86_400_000)} days` : ''}`,
    `  signed by ${document.threshold} of ${list(document.roots.map(({ kid }) => kid))}`,
    `  relays reach the control plane at ${originsInWords(document.origins)}`,
    `  newer versions are also fetched from ${document.mirror ?? 'nowhere else: no mirror is named'}`,
    `  what failing apps say is encrypted to ${list((document.recipients ?? ['nobody, and stays where it is']).map(shortRecipient))}`,
    '',
  ];
  for (const [name, identity] of Object.entries(document.identities)) {
    if (identity.kind !== 'key') continue;
    lines.push(`${name} (${printOf(trust, name)}) may`);
    if (identity.may.length === 0) lines.push('  order nothing');
    for (const grant of identity.may) lines.push(`  ${grantInWords(grant)}`);
    lines.push('');
  }
  lines.push('Hosts');
  for (const [name, host] of Object.entries(document.house.hosts)) {
    const relay = document.identities[name];
    const facts = [
      host.proxmox ? 'Proxmox' : 'no Proxmox',
      host.sleeps ? 'sleeps' : 'always on',
      ...(host.wake_via === undefined ? [] : [`woken by ${host.wake_via} (${host.mac})`]),
      relay?.kind === 'relay' ? `relay ${printOf(trust, name)}` : 'no relay admitted yet',
    ];
    lines.push(`  ${name}: ${facts.join(', ')}`);
  }
  lines.push('', 'Guests');
  for (const [name, guest] of Object.entries(document.house.guests)) {
    const facts = [
      `VMID ${guest.vmid} (${guest.kind}) on ${guest.host}`,
      guest.identity === undefined ? 'not adopted yet: relays will not touch it' : `is ${guest.identity}`,
      ...(guest.exclusive.length === 0 ? [] : [`holds ${list(guest.exclusive)} alone`]),
      ...(guest.in_use === 'sessions' ? ['in use while somebody is logged in'] : []),
    ];
    lines.push(`  ${name}: ${facts.join(', ')}`);
  }
  return lines.join('\n');
}

/** What a grant allows: `wake pve2, at most 6 times in an hour`. */
export function grantInWords({ action, on, limit }: TrustGrant): string {
  const known = actionOf(action);
  const often = limit === undefined ? '' : `, ${limitInWords(limit)}`;
  return known === undefined
    ? `${action} on ${list(on)}: an action that this version does not know`
    : `${known.verb}${known.type.endsWith('-in-use') ? ' even while in use' : ''} ${list(on)}${often}`;
}

function limitInWords(limit: string): string {
  const { count, windowMs } = readLimit(limit);
  const minutes = windowMs / 60_000;
  const window =
    minutes % 1440 === 0
      ? `${minutes / 1440} days`
      : minutes % 60 === 0
        ? `${minutes / 60} hours`
        : `${minutes} minutes`;
  return `at most ${count} times in ${window.replace(/^1 (\w+)s$/, 'a $1').replace('a hour', 'an hour')}`;
}

function printOf(trust: Trust, name: string): string {
  for (const [kid, identity] of trust.identities) if (identity.name === name) return fingerprint(kid);
  return 'no key';
}

/** `sha256//<base64>`, as curl's --pinnedpubkey takes it. */
export function curlPin(spki: string): string {
  return `sha256//${Buffer.from(spki.slice('sha256:'.length), 'hex').toString('base64')}`;
}
