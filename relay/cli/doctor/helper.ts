import { type Finding, fault, fine, notChecked, warning } from '../../../schema/doctor.ts';
import { actSocket } from '../../drivers/act-messages.ts';
import { helperService, helperSocket } from '../helper.ts';
import type { Check, Patient } from './check.ts';
import { looseOf, readShown } from './shown.ts';

/** What confines the helper, and the value that each must have (systemd.exec(5)). */
const confinement: Readonly<Record<string, string>> = {
  NoNewPrivileges: 'yes',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateNetwork: 'yes',
  PrivateDevices: 'yes',
  RestrictAddressFamilies: 'AF_UNIX',
  MemoryDenyWriteExecute: 'yes',
  RestrictNamespaces: 'yes',
  CapabilityBoundingSet: 'cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid',
};
const seed =
  'compare `writ-relay trust show` with `writ trust show --json` on your computer; then: writ-relay trust seed DIGEST';

/** The helper that does what needs root: who may ask it, what confines it, and whom it obeys. */
export const checkHelper: Check = async (patient) => {
  if (patient.helper === 'none') {
    const why = 'This relay is not the packaged one, and has no helper as root.';
    return ['helper_socket', 'helper_confined', 'helper_trust'].map((code) => notChecked(code, why));
  }
  return [await checkSocket(patient), await checkUnit(patient), await checkTrust(patient)];
};

async function checkSocket({ stat, stateDir }: Patient): Promise<Finding> {
  const code = 'helper_socket';
  const [socket, own] = [await stat(actSocket), await stat(stateDir)];
  if (socket === null) {
    return warning(
      code,
      'The helper as root cannot be asked: no release reaches this host or its containers.',
      `systemctl enable --now ${helperSocket}`,
    );
  }
  const mend = `systemctl cat ${helperSocket} shows which drop-in changes it; systemctl revert ${helperSocket}; systemctl restart ${helperSocket}`;
  if ((socket.mode & 0o077) !== 0)
    return fault(code, 'Others than the relay may ask the helper as root.', mend);
  if (own !== null && socket.uid !== own.uid)
    return fault(code, 'The socket of the helper as root is not the relay’s.', mend);
  return fine(code, 'The relay alone may ask the helper as root.');
}

async function checkUnit({ run }: Patient): Promise<Finding> {
  const code = 'helper_confined';
  const names = Object.keys(confinement).map((name) => `--property=${name}`);
  const shown = await run(['systemctl', 'show', helperService, ...names]);
  if (shown === null || shown.status !== 0)
    return notChecked(code, 'systemd does not answer, so the helper’s unit was not looked at.');
  const loose = looseOf(readShown(shown), confinement);
  return loose.length === 0
    ? fine(code, 'The helper as root is as confined as it was shipped.')
    : warning(
        code,
        `The helper as root is less confined than it was shipped: it lacks ${loose.join(', ')}.`,
        `systemctl cat ${helperService} shows which drop-in changes it; systemctl revert ${helperService} removes it`,
      );
}

async function checkTrust({ helper, helperFolder, stat, list, trust, relay }: Patient): Promise<Finding> {
  const code = 'helper_trust';
  if (helper === 'none' || helper === 'not_root')
    return notChecked(code, 'Whom the helper obeys is for root alone to see: run it as root.');
  if (!helper.ok) {
    return helper.reason === 'act_not_seeded'
      ? warning(code, 'The helper as root was never told whom to obey, and refuses everything.', seed)
      : fault(code, `The state of the helper as root does not hold (${helper.reason}).`, seed);
  }
  for (const path of [
    helperFolder,
    ...((await list(helperFolder)) ?? []).map((one) => `${helperFolder}/${one}`),
  ]) {
    const facts = await stat(path);
    if (facts !== null && (facts.uid !== 0 || (facts.mode & 0o077) !== 0)) {
      return fault(code, `${path} is not root’s alone.`, `chown root: ${path}; chmod go= ${path}; ${seed}`);
    }
  }
  const { home, relay: own, version } = helper.value;
  if (home !== trust.document.home || own !== relay)
    return fault(code, `The helper as root is that of ${own} of another enrolment.`, seed);
  if (version > trust.document.version) {
    return warning(
      code,
      `The helper as root obeys version ${version}, and the relay an older one.`,
      'writ-relay trust install FILE, with what `writ trust publish FILE` writes on your computer',
    );
  }
  if (version < trust.document.version) {
    return warning(
      code,
      `The helper as root obeys version ${version}, and the relay a newer one.`,
      `it hears of it with the relay's next request; if it does not: ${seed}`,
    );
  }
  return fine(code, `The helper as root obeys version ${version} of the trust document.`);
}
