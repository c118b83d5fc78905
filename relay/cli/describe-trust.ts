import { fingerprint } from '../../schema/jose/keys.ts';
import { controllerName, type Identity, type TrustDocument } from '../../schema/trust/document.ts';
import type { TrustGrant } from '../../schema/trust/grant.ts';
import type { Trust } from '../../schema/trust/read.ts';
import { own } from '../../schema/wire/record.ts';
import { releaseAction } from '../../schema/wire/release-order.ts';

/** What this relay obeys, for somebody at the console of its machine. */
export function describeTrust(
  { document, digest }: Pick<Trust, 'document' | 'digest'>,
  relay: string,
  kid: string,
  admitted: boolean,
): string[] {
  const lines = [
    `home         ${document.home}`,
    `version      ${document.version}, until ${document.expires}`,
    `digest       ${digest}`,
    `this relay   ${relay}, ${fingerprint(kid)}, ${admitted ? 'admitted' : 'not admitted yet'}`,
    `origins      ${document.origins.map(({ url, spki }) => (spki === undefined ? url : `${url} (pinned)`)).join(', ')}`,
    `mirror       ${document.mirror ?? 'none'}`,
    `alarm        ${document.alarm === null ? 'none' : 'ntfy' in document.alarm ? 'ntfy' : 'webhook'}`,
    `notaries     ${notariesOf(document).join(', ') || 'none'}`,
    '',
    'Who may order what:',
  ];
  for (const [name, identity] of Object.entries(document.identities)) {
    if (identity.kind === 'relay') continue;
    for (const grant of identity.may) {
      lines.push(`  ${name.padEnd(12)} ${grantOf(document, name, identity, grant)}`);
    }
    if (identity.kind === 'github') lines.push(`  ${' '.repeat(12)} by ${workflowOf(identity)}`);
  }
  return lines;
}

const notariesOf = ({ identities }: TrustDocument): string[] =>
  Object.keys(identities).filter((name) => {
    const identity = identities[name];
    return identity?.kind === 'relay' && identity.attests !== undefined;
  });

function grantOf(
  { house }: TrustDocument,
  name: string,
  { kind }: Identity,
  { action, on, limit, paths = [] }: TrustGrant,
): string {
  const isRelease = action === releaseAction;
  const often = limit === undefined ? '' : `, at most ${limit}`;
  const where = isRelease ? `, paths ${paths.join(' ') || 'none'}` : '';
  const hosts = isRelease ? on.filter((target) => Object.hasOwn(house.hosts, target)) : [];
  const root = hosts.length === 0 ? '' : `; root on ${hosts.join(', ')}`;
  const untaken = kind === 'github' ? on.filter((target) => own(house.guests, target)?.kind !== 'qemu') : [];
  const not =
    isRelease && name === controllerName
      ? '; relays take none of it'
      : untaken.length === 0
        ? ''
        : `; not taken on ${untaken.join(', ')}`;
  return `${action} on ${on.join(', ')}${often}${where}${root}${not}`;
}

function workflowOf(pins: Extract<Identity, { kind: 'github' }>): string {
  return [
    `${pins.workflow}@${pins.ref} of repository ${pins.repository_id}`,
    `owner ${pins.repository_owner_id}`,
    `environment ${pins.environment}`,
    `events ${pins.event_name.join(' ')}`,
    pins.runner_environment ?? 'github-hosted',
    `runs from ${pins.min_run}`,
    ...(pins.issuer === undefined ? [] : [`issuer ${pins.issuer}`]),
  ].join(', ');
}
