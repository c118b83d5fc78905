import { isQuadletPath } from '../units.ts';
import type { Checker } from './checker.ts';

/**
 * Podman's own generator judges the whole folder as it would become: one file that cannot be read would take every unit
 * away at the next reload (podman-systemd.unit(5); seen with Podman 5.4).
 */
export const quadlet: Checker = {
  name: 'Quadlet',
  calls: ({ changed }) =>
    changed.some(isQuadletPath)
      ? [['/usr/lib/systemd/system-generators/podman-system-generator', '--dryrun']]
      : [],
  judge({ code, said }, { part }) {
    const faults = said.split('\n').filter((line) => /converting "|error loading "|panic:/.test(line));
    if (code === 0 && faults.length === 0) return null;
    const detail = (faults.length > 0 ? faults.join('; ') : said).slice(0, 500);
    const own = part.files.some(({ path }) => {
      const name = path.slice(path.lastIndexOf('/') + 1);
      return isQuadletPath(path) && (detail.includes(path) || detail.includes(`"${name}"`));
    });
    return { code: own || faults.length === 0 ? 'unit_invalid' : 'units_broken', detail };
  },
  missing: { code: 'podman_missing', detail: 'the target has no generator of Quadlet' },
};
