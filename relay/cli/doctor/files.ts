import { join } from 'node:path';
import { type Finding, fault, fine, notChecked } from '../../../schema/doctor.ts';
import type { Check, Patient } from './check.ts';

/** Key, journal and trust are the service's alone; credentials are root's alone. */
export const checkFiles: Check = async (patient) => [
  await alone(patient, {
    code: 'files_state',
    folder: patient.stateDir,
    of: 'key, journal and trust',
    owner: null,
    mend: `chmod -R go= ${patient.stateDir}; if others could read it: enrol this host again`,
  }),
  patient.isRoot
    ? await alone(patient, {
        code: 'files_credentials',
        folder: patient.credentials,
        of: 'the credentials',
        owner: 0,
        mend: `chown -R root: ${patient.credentials}; chmod -R go= ${patient.credentials}`,
      })
    : notChecked('files_credentials', 'The credentials are for root alone to see: run it as root.'),
];

async function alone(
  patient: Patient,
  want: { code: string; folder: string; of: string; owner: number | null; mend: string },
): Promise<Finding> {
  const { code, folder, of, owner, mend } = want;
  const names = await patient.list(folder);
  if (names === null) return notChecked(code, `${folder} is not there or cannot be read.`);
  for (const path of [folder, ...names.map((name) => join(folder, name))]) {
    const facts = await patient.stat(path);
    if (facts === null) continue;
    if ((facts.mode & 0o077) !== 0) return fault(code, `Others than its owner may get at ${path}.`, mend);
    if (owner !== null && facts.uid !== owner) return fault(code, `${path} is not root's.`, mend);
  }
  return fine(code, `Nobody else may read ${of}.`);
}
