import { programVersion } from '../../../schema/version.ts';
import type { BackupManifest } from '../../node/backup-format.ts';
import { defineCommand } from '../command.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';

const texts: Readonly<Record<string, string>> = {
  data_dir_missing: 'No control plane was ever served from there. Name its folder with --data.',
  data_dir_unusable: 'Run this as root, or as the user of writ serve.',
  no_space: 'Make room, or choose another folder: it takes twice the size of the database for a moment.',
  database_damaged:
    'The database of the control plane itself is damaged. Keep it, and restore an earlier backup: docs/backup.md.',
  database_newer: 'Use the program of the same version as writ serve.',
  backup_target_foreign: 'Remove that file, or choose another name.',
  backup_folder_missing: 'Make it, or mount what it is on.',
  backup_damaged: 'The disk does not give back what was written to it. Choose another.',
  output_failed: 'What it was written to ended early, or is full.',
  given_up: 'Given up.',
};

export const backup = defineCommand({
  name: 'backup',
  summary: 'Back up the control plane of this machine, while it runs',
  usage: 'FILE',
  more: [
    'Run this where writ serve runs, as root. The copy is consistent, verified and on the disk before FILE gets its name; an earlier backup of that name is replaced then. - writes to standard output, for a pipe. No key is in a backup: whoever gets hold of it can order nothing. docs/backup.md tells the way back.',
  ],
  examples: [
    { line: 'writ backup /mnt/backups/writ.tar', about: 'into a file' },
    { line: 'writ backup - | ssh desk.lan "cat > writ.tar"', about: 'onto another machine' },
  ],
  options: {
    data: { type: 'text', value: 'DIR', about: 'where its database is (default: /var/lib/writ)' },
  },
  async run(context, [file = ''], values): Promise<Done | Failure> {
    const { terminal, signal, now } = context;
    if (file === '-' && terminal.columns > 0) {
      return fail(
        exits.usage,
        'terminal',
        'A backup is not for a terminal: name a file, or write to a pipe.',
      );
    }
    if (file === '-' && context.json) {
      return fail(exits.usage, 'usage', 'Standard output cannot hold the backup and --json.');
    }
    // Whoever reads the pipe and goes away early has no backup, which elsewhere is no error: the write itself fails.
    if (file === '-') process.stdout.removeAllListeners('error').on('error', () => {});
    // Loaded here, so that no other command has to load a database.
    const { backupToFile, backupToStream } = await import('../../node/backup.ts');
    const dataDir = values.data ?? '/var/lib/writ';
    context.progress.say('Backing up');
    const options = { dataDir, now, version: programVersion, signal };
    const made = await (file === '-' ? backupToStream(options, writeOut) : backupToFile(options, file));
    if (!made.ok) {
      const said = made.detail === undefined ? '' : `${made.detail}. `;
      const gist = file === '-' ? 'The backup is not whole.' : 'No backup was made.';
      return fail(exits.failed, made.reason, `${said}${gist} ${texts[made.reason] ?? ''}`.trim());
    }
    const text = `${describeBackup(made.value)}\nIt is in ${file}, whole and read back. Keep a copy on another machine.`;
    return file === '-' ? done('', made.value) : done(text, { file, ...made.value });
  },
});

/** What a backup holds, in a sentence. */
export function describeBackup(manifest: BackupManifest): string {
  const { home, trust_version: trust, audit, database, taken_at: takenAt } = manifest;
  const whose = home === null ? 'a control plane that nobody has claimed' : `${home}, trust version ${trust}`;
  const size = `${(database.bytes / 1024).toFixed(0)} KiB`;
  return `A backup of ${whose}, of ${new Date(takenAt).toISOString()}: ${size}, ${audit.seq} sealed audit entries.`;
}

/** Writes to standard output, and waits while its reader is slow. */
const writeOut = (chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
