import { ok, type Result, refuse } from '../../schema/result.ts';
import type { Finding } from './finding.ts';
import { readYaml } from './read/yaml.ts';
import { byText, type RepoFiles } from './repo.ts';

/** The version of homelab.yaml and app.yaml that this program reads. */
const currentVersion = 1;

/** A file that takes another name; its bytes stay. */
export type Move = { readonly from: string; readonly to: string };

/** What brings a repo to the current version. */
export type Migration = { readonly moves: readonly Move[]; readonly notes: readonly string[] };

export type MigrationRefusal = 'version_unknown' | 'config_invalid';

/**
 * What a repo of an earlier version needs. A house file is where a repo begins: it becomes homelab.yaml as it is,
 * because each is a part of what the next one can say.
 */
export function migrateRepo(
  files: RepoFiles,
): Result<Migration, MigrationRefusal> & { findings?: Finding[] } {
  const versioned = [...files.keys()].filter((path) => /^(homelab|house|apps\/[^/]+\/app)\.yaml$/.test(path));
  for (const path of versioned.sort(byText)) {
    const read = readYaml(path, files.get(path)!);
    if (!read.ok) return { ...refuse('config_invalid', `${path} cannot be read`), findings: read.findings };
    const { value } = read.yaml;
    const version = typeof value === 'object' && value !== null ? (value as { v?: unknown }).v : undefined;
    if (version === undefined || version === currentVersion) continue;
    const known = `this writ knows version ${currentVersion}`;
    return refuse('version_unknown', `${path} is of version ${JSON.stringify(version)}, and ${known}`);
  }
  if (!files.has('house.yaml')) return ok({ moves: [], notes: [] });
  if (files.has('homelab.yaml')) {
    return ok({ moves: [], notes: ['house.yaml is not read beside homelab.yaml: remove it.'] });
  }
  return ok({ moves: [{ from: 'house.yaml', to: 'homelab.yaml' }], notes: [] });
}
