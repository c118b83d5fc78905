// Restores a backup, and dies at a step as by a power cut: restore-until.ts FILE DATA-FOLDER STEP
import { createReadStream } from 'node:fs';
import { restoreBackup } from '../../../../src/node/restore.ts';

const [file = '', dataDir = '', last = ''] = process.argv.slice(2);
await restoreBackup(
  {
    dataDir,
    now: Date.now,
    onStep: (step) => {
      if (step === last) process.kill(process.pid, 'SIGKILL');
    },
  },
  createReadStream(file),
);
