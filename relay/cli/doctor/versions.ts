import { type Finding, fault, fine, notChecked, warning } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';

const oldestNode = [20, 19] as const;
const dayMs = 86_400_000;
const warnDays = 60;

/** Programs old enough to be trouble, and a trust document that ends soon. */
export const checkVersions: Check = async ({ nodeVersion, read, proxmox, trust, clock }) => {
  const findings: Finding[] = [];
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  const isNew = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  findings.push(
    isNew
      ? fine('version_node', `Node ${nodeVersion}.`)
      : fault(
          'version_node',
          `Node ${nodeVersion} is too old.`,
          `install Node ${oldestNode.join('.')} or newer`,
        ),
  );
  const release = await read('/etc/os-release');
  const debian = /^VERSION_ID="?(\d+)/m.exec(release ?? '')?.[1];
  findings.push(
    release === null || !/^ID(?:_LIKE)?=.*debian/m.test(release) || debian === undefined
      ? notChecked('version_debian', 'This is no Debian.')
      : Number(debian) >= 13
        ? fine('version_debian', `Debian ${debian}.`)
        : warning(
            'version_debian',
            `Debian ${debian} is older than what the packages are made for.`,
            'upgrade to Debian 13',
          ),
  );
  if (proxmox !== null && typeof proxmox !== 'string') {
    const status = await proxmox.api.nodeStatus();
    const version = status.ok ? /(\d+)\.(\d+)/.exec(status.value.pveversion) : null;
    findings.push(
      version === null
        ? notChecked('version_proxmox', 'Proxmox VE did not tell its version.')
        : Number(version[1]) >= 9
          ? fine('version_proxmox', `Proxmox VE ${version[0]}.`)
          : warning(
              'version_proxmox',
              `Proxmox VE ${version[0]} is older than 9.`,
              'upgrade it, or drive it over its API from the relay of another host',
            ),
    );
  } else findings.push(notChecked('version_proxmox', 'Proxmox VE cannot be asked here.'));
  const { version, expires } = trust.document;
  const days = Math.floor((Date.parse(expires) - clock.now()) / dayMs);
  const mend = 'on the owner’s computer: writ trust sign, which sets a new date';
  findings.push(
    days < 0
      ? fault('trust_expiry', `Trust version ${version} has expired: nothing is ordered here.`, mend)
      : days < warnDays
        ? warning('trust_expiry', `Trust version ${version} expires in ${days} days.`, mend)
        : fine('trust_expiry', `Trust version ${version} holds for ${days} days.`),
  );
  return findings;
};
