import { fingerprint } from '../../schema/jose/keys.ts';
import { type Origin, standingName } from '../../schema/trust/document.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { trustWarningMs } from '../../schema/wire/limits.ts';
import { own } from '../../schema/wire/record.ts';
import { grantInWords } from './grant-words.ts';
import { shown } from './shown.ts';
import { listed } from './text.ts';
import { conditionsInWords, workflowInWords, workflowRights } from './workflow-words.ts';

/** Where relays reach the control plane: `https://100.64.0.1:8420 (pinned) and https://writ.example.net`. */
export const originsInWords = (origins: readonly Origin[]): string =>
  listed(origins.map(({ url, spki }) => (spki === undefined ? url : `${url} (pinned)`)));

/** A post-quantum recipient has 1,959 characters. */
export const shortRecipient = (recipient: string): string =>
  recipient.length < 80 ? recipient : `${recipient.slice(0, 24)}…${recipient.slice(-8)}`;

/** What a relay that attests times does beside. */
export const notaryWords = 'a notary, which says when it saw tokens, and nothing else';

/** A trust document as its owner would tell it. */
export function trustInWords(trust: Trust, now: number): string {
  const { document } = trust;
  const left = Date.parse(document.expires) - now;
  const lines = [
    `Trust of ${document.home}, version ${document.version}.`,
    `  digest   ${trust.digest}`,
    `  expires  ${document.expires}${left <= 0 ? ': EXPIRED, relays run no job' : left < trustWarningMs ? `: in ${Math.floor(left / 86_400_000)} days` : ''}`,
    `  signed by ${document.threshold} of ${listed(document.roots.map(({ kid }) => kid))}`,
    `  relays reach the control plane at ${originsInWords(document.origins)}`,
    `  newer versions are also fetched from ${document.mirror ?? 'nowhere else: no mirror is named'}`,
    `  what failing apps say is encrypted to ${listed((document.recipients ?? ['nobody, and stays where it is']).map(shortRecipient))}`,
    '',
  ];
  for (const [name, identity] of Object.entries(document.identities)) {
    if (identity.kind !== 'key') continue;
    lines.push(`${name} (${printOf(trust, name)}) may`);
    if (identity.may.length === 0) lines.push('  order nothing');
    for (const grant of identity.may) {
      for (const right of grantInWords(grant, document.house)) lines.push(`  ${right}`);
    }
    lines.push('');
  }
  for (const [name, identity] of Object.entries(document.identities)) {
    if (identity.kind !== 'github') continue;
    const rights = workflowRights(identity.may, document.house);
    lines.push(name);
    for (const right of rights.length === 0 ? ['order nothing'] : rights) {
      lines.push(`  ${workflowInWords(identity)} may ${right}`);
    }
    lines.push(`  Its tokens must say ${conditionsInWords(identity)}.`, '');
  }
  const standing = own(document.identities, standingName);
  if (standing?.kind === 'standing') {
    lines.push('By themselves, without a caller, relays may');
    for (const grant of standing.may) {
      for (const right of grantInWords(grant, document.house)) lines.push(`  ${right}`);
    }
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
      ...(relay?.kind === 'relay' && relay.attests !== undefined ? [notaryWords] : []),
    ];
    lines.push(`  ${name}: ${facts.join(', ')}`);
  }
  lines.push('', 'Guests');
  for (const [name, guest] of Object.entries(document.house.guests)) {
    const facts = [
      `VMID ${guest.vmid} (${guest.kind}) on ${guest.host}`,
      guest.identity === undefined
        ? 'not adopted yet: relays will not touch it'
        : `is ${shown(guest.identity)}`,
      ...(guest.exclusive.length === 0 ? [] : [`holds ${listed(guest.exclusive)} alone`]),
      ...(guest.in_use === 'sessions' ? ['in use while somebody is logged in'] : []),
    ];
    lines.push(`  ${name}: ${facts.join(', ')}`);
  }
  return lines.join('\n');
}

function printOf(trust: Trust, name: string): string {
  for (const [kid, identity] of trust.identities) if (identity.name === name) return fingerprint(kid);
  return 'no key';
}

/** `sha256//<base64>`, as curl's --pinnedpubkey takes it. */
export function curlPin(spki: string): string {
  return `sha256//${Buffer.from(spki.slice('sha256:'.length), 'hex').toString('base64')}`;
}
