import { type FileHandle, open } from 'node:fs/promises';
import { defineCommand } from '../command.ts';
import { type Done, done, exits, type Failure, fail } from '../outcome.ts';
import { describeBackup } from './backup.ts';

const texts: Readonly<Record<string, string>> = {
  backup_damaged: 'Take another copy of this backup, or an earlier one.',
  backup_newer: 'Install the version of Writ that made it, or a newer one.',
  data_dir_not_empty: 'Move what is in it away first: a restore writes over nothing.',
  data_dir_unusable: '',
};

export const restore = defineCommand({
  name: 'restore',
  summary: 'Make the data folder of a control plane from a backup',
  usage: 'FILE',
  more: [
    'Run this as root where writ serve will run, before it runs. Every byte of FILE is verified, and the folder appears whole or not at all. - reads from standard input. The backup holds no key: start writ serve with the keys of the old folder, or have it make new ones, and take the home there with writ move. docs/backup.md and docs/lost-vm.md tell both ways.',
  ],
  examples: [
    { line: 'writ restore /mnt/backups/writ.tar', about: 'to where writ serve will look for it' },
    { line: 'writ restore writ.tar --data /tmp/trial', about: 'to see whether the backup is good' },
  ],
  options: {
    data: { type: 'text', value: 'DIR', about: 'an empty folder, or none yet (default: /var/lib/writ)' },
  },
  async run(context, [file = ''], values): Promise<Done | Failure> {
    const dataDir = values.data ?? '/var/lib/writ';
    const opened = file === '-' ? null : await openBackup(file);
    if (opened?.ok === false) return opened;
    const { restoreBackup } = await import('../../node/restore.ts');
    context.progress.say('Restoring');
    const source = opened?.value.createReadStream({ autoClose: false }) ?? process.stdin;
    const restored = await restoreBackup(
      { dataDir, now: context.now },
      source as AsyncIterable<Uint8Array>,
    ).finally(() => opened?.value.close());
    if (!restored.ok) {
      const detail = `${restored.detail ?? restored.reason}. Nothing was restored. ${texts[restored.reason]}`;
      return fail(exits.failed, restored.reason, detail.trim());
    }
    return done(
      `${describeBackup(restored.value)}\nIt is in ${dataDir}, whole. Start writ serve: what happened after the backup is not in it, and its relays tell it what they did.`,
      { data: dataDir, ...restored.value },
    );
  },
});

/** Opened before anything is made of it: a stream that fails to open fails while nobody reads it. */
async function openBackup(file: string): Promise<{ ok: true; value: FileHandle } | Failure> {
  try {
    return { ok: true, value: await open(file, 'r') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return fail(exits.usage, 'backup_missing', `There is no file ${file}. Nothing was restored.`);
  }
}
