import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..', '..');
const bundledNode = join(root, 'node_modules', '.bin', 'node');

/** The version that the project is developed on. */
const wantedMajor = 24;
const neededMajor = 22;

const majorOf = (version: string): number => Number(version.split('.')[0]);

/**
 * Makes sure that this process runs on a Node that runs TypeScript as it is. On an older one than the
 * project brings along, the same command is run again by the one in node_modules, and this process ends
 * with its exit code. Ends the process with a word on what to do where neither is there.
 */
export function ensureRuntime(): void {
  const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
  const major = majorOf(process.versions.node);
  if (major < wantedMajor && existsSync(bundledNode) && realpathSync(bundledNode) !== process.execPath) {
    console.log(`Node ${process.versions.node} is older than ours: going on with ${bundledNode}`);
    const again = spawnSync(bundledNode, process.argv.slice(1), { stdio: 'inherit' });
    process.exit(again.status ?? 1);
  }
  if (major < neededMajor || !stripsTypes) {
    console.error(
      `Node ${process.versions.node} cannot run this. Run "npm ci", which brings Node ${wantedMajor} along ` +
        `on Linux x64 and arm64, and start it by npm; elsewhere install Node ${neededMajor}.18 or newer.`,
    );
    process.exit(1);
  }
  console.log(`Node ${process.versions.node} (${process.execPath})`);
}
