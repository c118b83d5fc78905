import { fault, fine, notChecked, warning } from '../../../schema/doctor.ts';
import type { Check } from './check.ts';
import { looseOf, readShown } from './shown.ts';

/** What confines the service, and the value that each must have (systemd.exec(5)). */
const confinement: Readonly<Record<string, string>> = {
  NoNewPrivileges: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  MemoryDenyWriteExecute: 'yes',
  RestrictNamespaces: 'yes',
  CapabilityBoundingSet: '',
};

/** The service runs, as its own user, as confined as it was shipped. */
export const checkService: Check = async ({ run }) => {
  const names = ['ActiveState', 'User', ...Object.keys(confinement)];
  const shown = await run(['systemctl', 'show', 'writ-relay', ...names.map((name) => `--property=${name}`)]);
  if (shown === null || shown.status !== 0) {
    const why = 'systemd does not answer, so the service was not looked at.';
    return [notChecked('service_active', why), notChecked('service_confined', why)];
  }
  const values = readShown(shown);
  const active = values.get('ActiveState');
  const loose = looseOf(values, confinement);
  const user = values.get('User') ?? '';
  return [
    active === 'active'
      ? fine('service_active', 'The service runs.')
      : fault(
          'service_active',
          `The service is ${active ?? 'unknown'}.`,
          'systemctl enable --now writ-relay; journalctl -u writ-relay -n 20',
        ),
    user === '' || user === 'root'
      ? fault(
          'service_user',
          'The service runs as root.',
          'remove User= from what systemctl cat writ-relay shows beside the shipped unit',
        )
      : fine('service_user', `The service runs as ${user}.`),
    loose.length === 0
      ? fine('service_confined', 'The service is as confined as it was shipped.')
      : warning(
          'service_confined',
          `The service is less confined than it was shipped: it lacks ${loose.join(', ')}.`,
          'systemctl cat writ-relay shows which drop-in changes it; systemctl revert writ-relay removes it',
        ),
  ];
};
